"""Writes the files of this folder with real Keras, or new ones elsewhere with another seed.

usage: make.py FOLDER [SEED]          with Keras 3: every format, from three models
       make.py --keras-2 FOLDER       with tf_keras (Keras 2): legacy files, with YAML of PyYAML

Each model NAME has the arrays of its inputs and of Keras' own predictions in NAME.npz.
"""

import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

KERAS_2 = sys.argv[1] == "--keras-2"
FOLDER = sys.argv[2] if KERAS_2 else sys.argv[1]
SEED = 0 if KERAS_2 or len(sys.argv) < 3 else int(sys.argv[2])

if KERAS_2:
    import tf_keras as keras
else:
    import keras
import numpy as np  # noqa: E402

L = keras.layers
rng = np.random.default_rng(SEED)
keras.utils.set_random_seed(SEED)
os.makedirs(FOLDER, exist_ok=True)


def path(name):
    return os.path.join(FOLDER, name)


def plain():
    """A Sequential model with state and a regularizer; trained, so that its optimizer has slots."""
    one = L.Dense(4, activation="relu", name="one", kernel_regularizer="l2")
    layers = [one, L.BatchNormalization(name="norm"), L.Dropout(0.5), L.Dense(2, name="two")]
    model = keras.Sequential([keras.Input((3,)), *layers], name="plain")
    model.compile(keras.optimizers.Adam(0.01), keras.losses.MeanSquaredError(), metrics=["mae"])
    model.fit(rng.normal(size=(8, 3)), rng.normal(size=(8, 2)), verbose=0)
    return model, [rng.normal(size=(5, 3)).astype("float32")]


def graph():
    """Two inputs, a shared layer, a model inside with state, a frozen layer, a recurrent layer in a wrapper."""
    a, b = keras.Input((4, 3), name="a"), keras.Input((4, 3), name="b")
    shared = L.Dense(3, name="shared")
    layers = [L.Dense(3, name="q"), L.BatchNormalization(name="z"), L.Dense(3, name="w")]
    inner = keras.Sequential([keras.Input((4, 3)), *layers], name="tower")
    frozen = L.Dense(3, name="frozen", trainable=False)
    x = L.Add(name="sum")([inner(shared(a)), shared(b)])
    x = L.Bidirectional(L.LSTM(2, return_sequences=True), name="both")(frozen(x))
    x = L.LeakyReLU(0.1, name="leaky")(x)
    y = L.Dense(2, activation="softmax", name="class")(L.Flatten(name="flat")(x))
    model = keras.Model([a, b], [y, L.Dense(1, name="score")(L.GlobalMaxPooling1D(name="pool")(x))], name="graph")
    model.compile("sgd", ["categorical_crossentropy", "mse"])
    data = [rng.normal(size=(6, 4, 3)).astype("float32") for _ in range(2)]
    model.fit(data, [np.eye(2)[[0, 1, 0, 1, 0, 1]], rng.normal(size=(6, 1))], verbose=0)
    return model, data


def halves(policy):
    layers = [keras.Input((3,)), L.Dense(4, activation="tanh", name="one", dtype=policy), L.Dense(2, name="two")]
    model = keras.Sequential(layers, name=policy)
    return model, [rng.normal(size=(5, 3)).astype("float32")]


def arrays(model, inputs, name):
    outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    named = {f"x{i}": x for i, x in enumerate(inputs)} | {f"y{i}": y for i, y in enumerate(outputs)}
    np.savez(path(name + ".npz"), **{k: np.asarray(v, "float32") for k, v in named.items()})


if KERAS_2:
    import yaml

    for name, make in [("plain", plain), ("graph", graph)]:
        model, inputs = make()
        arrays(model, inputs, "keras2_" + name)
        model.save(path(f"keras2_{name}.h5"))
        model.save_weights(path(f"keras2_{name}_weights.h5"))
        model.save(path(f"keras2_{name}.keras"))
        config = json.loads(model.to_json())
        with open(path(f"keras2_{name}.json"), "w") as file:
            file.write(model.to_json())
        with open(path(f"keras2_{name}.yaml"), "w") as file:
            # What `to_yaml` did until TensorFlow 2.6.
            yaml.dump(config, file)
else:
    for name, make in [("plain", plain), ("graph", graph)]:
        model, inputs = make()
        arrays(model, inputs, name)
        model.save(path(name + ".keras"))
        if name == "plain":
            model.save(path(name + "_folder"), zipped=False)
            model.save_weights(path(name + ".weights.h5"))
        model.save_weights(path(name + ".weights.json"), max_shard_size=300 / 1024**3)
        with open(path(name + ".json"), "w") as file:
            file.write(model.to_json())
        # Last: it takes the optimizer out of the model's compile options.
        model.save(path(name + ".h5"))
    for policy in ["float16", "bfloat16", "mixed_float16"]:
        model, inputs = halves(policy)
        arrays(model, inputs, policy)
        model.save(path(policy + ".keras"))

if not KERAS_2:
    # What Keras does not write, but other tools make of its files: packed chunks, newer structures.
    import h5py

    def again(source, target, pack, **options):
        with h5py.File(path(source)) as old, h5py.File(path(target), "w", **options) as new:
            new.attrs.update(old.attrs)

            def visit(name, item):
                if isinstance(item, h5py.Group):
                    made = new.require_group(name)
                else:
                    how = {"chunks": (3,) * item.ndim, "compression": "gzip", "shuffle": True, "fletcher32": True}
                    how = how if pack and item.ndim and min(item.shape) >= 3 else {}
                    made = new.create_dataset(name, data=item[()], **how)
                made.attrs.update(item.attrs)

            old.visititems(visit)

    again("plain.h5", "packed.h5", True)
    simple = keras.Sequential([keras.Input((3,)), L.Dense(2, name="only")], name="simple")
    simple.save_weights(path("simple.weights.h5"))
    again("simple.weights.h5", "latest.weights.h5", False, libver="latest")
    os.remove(path("simple.weights.h5"))
    # More than eight objects or attributes lie in a heap, if the order is tracked or the version is new.
    again("plain.weights.h5", "dense.weights.h5", False, libver="latest")
    with h5py.File(path("many.weights.h5"), "w", track_order=True) as file:
        group = file.create_group("layers/dense/vars", track_order=True)
        group.attrs.update({f"about {i}": "x" * i for i in range(20)})
        for i in range(120):
            group[str(i)] = group[str(i % 10)] if i >= 10 else np.float32([i])
