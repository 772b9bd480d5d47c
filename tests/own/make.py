"""Writes files of real Keras with objects of somebody's own into tests/own/files, for tests/own_objects.rs.

usage: KERAS_BACKEND=jax python tests/own/make.py

Each case is NAME.keras as it was saved, and NAME.json with samples, predictions, the loss of three steps from there, and the
predictions after them. refused-*.keras have what cannot be registered.
"""

import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import objects as own  # noqa: E402
from keras import layers  # noqa: E402

FILES = pathlib.Path(__file__).parent / "files"
rng = np.random.default_rng(3)


def write(name, model, shape, outputs):
    x = rng.normal(size=(8, *shape)).astype("float32")
    y = [rng.normal(size=(8, *output)).astype("float32") for output in outputs]
    y = y if len(y) > 1 else y[0]
    model.train_on_batch(x, y)
    model.save(FILES / f"{name}.keras")
    listed = lambda arrays: [np.asarray(a).ravel().tolist() for a in (arrays if isinstance(arrays, list) else [arrays])]
    case = {"x": x.ravel().tolist(), "y": listed(y), "before": listed(model.predict(x, verbose=0)), "logs": []}
    for _ in range(3):
        model.reset_metrics()
        logs = model.train_on_batch(x, y, return_dict=True)
        case["logs"].append({key: float(value) for key, value in logs.items()})
    case["after"] = listed(model.predict(x, verbose=0))
    (FILES / f"{name}.json").write_text(json.dumps(case) + "\n")


def plain():
    inner = keras.Sequential(
        [
            layers.Input((5, 4)),
            layers.TimeDistributed(own.Gated(4)),
            layers.TimeDistributed(layers.Dense(4, activation=own.swoosh)),
            own.Shifted(0.5),
        ],
        name="inner",
    )
    model = keras.Sequential(
        [
            layers.Input((5, 4)),
            layers.TimeDistributed(own.Gated(3, residual=False), name="wrapped"),
            layers.Dense(4, activation=own.bent),
            inner,
            own.Scaled(1.5),
            layers.Flatten(),
            layers.Dense(2),
        ],
        name="plain",
    )
    model.compile(keras.optimizers.Adam(0.01), loss=own.quartic, metrics=[own.within, own.quartic, "mae"])
    write("plain", model, (5, 4), [(2,)])


def functional():
    x = layers.Input((4,), name="x")
    gated = own.Gated(4, name="gated")
    left, right = gated(x), gated(own.Scaled(2.0)(x))
    a = layers.Dense(2, name="a")(left + right)
    b = layers.Dense(3, name="b", activation=own.swoosh)(own.Shifted()(left))
    model = keras.Model(x, [a, b], name="functional")
    losses = [own.Pinball(0.25, name="pin", reduction="sum"), keras.losses.MeanSquaredError()]
    optimizer = own.SignSGD(own.Halving(0.05, 2.0), sharpness=3.0)
    model.compile(optimizer, loss=losses, metrics=[[keras.metrics.MeanMetricWrapper(own.within, name="near")], ["mae"]])
    write("functional", model, (4,), [(2,), (3,)])


def refused():
    for name, option in [
        ("initializer", {"kernel_initializer": own.Twos()}),
        ("regularizer", {"kernel_regularizer": own.Quarter()}),
        ("constraint", {"kernel_constraint": own.Small()}),
    ]:
        keras.Sequential([layers.Input((2,)), layers.Dense(2, **option)]).save(FILES / f"refused-{name}.keras")


FILES.mkdir(exist_ok=True)
keras.utils.set_random_seed(1)
plain()
functional()
refused()
