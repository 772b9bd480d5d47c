"""Writes files of real Keras with `TimeDistributed` around models and around layers with state, and with masks that are
tensors, into tests/steps/files.

usage: KERAS_BACKEND=jax python tests/steps/make.py
"""

import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "keras"))

import case  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402

rng = np.random.default_rng(4)


def write(name, model, masked=False):
    x = [rng.normal(size=(6, *(n or 3 for n in i.shape[1:]))).astype("float32") for i in model.inputs]
    if masked:
        # Whole steps of zeros.
        x[0][0, 1:] = 0
        x[0][1, 2] = 0
        x[0][2] = 0
    y = [rng.normal(size=(6, *(n or 3 for n in o.shape[1:]))).astype("float32") for o in model.outputs]
    model.compile(keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"] if len(y) == 1 else None)
    one = lambda arrays: arrays[0] if len(arrays) == 1 else arrays
    case.write(HERE / "files", name, model, one(x), one(y))


def normalized(**options):
    parts = [layers.Dense(4, activation="tanh"), layers.BatchNormalization(momentum=0.5, **options), layers.Dropout(0.0)]
    return keras.Sequential([layers.Input((5,)), *parts], name="normalized")


def statistics():
    x = layers.Input((3, 5))
    write("statistics", keras.Model(x, layers.Dense(2)(layers.TimeDistributed(normalized())(x))))


def masked_statistics():
    x = layers.Input((3, 5))
    y = layers.TimeDistributed(normalized(center=False))(layers.Masking()(x))
    # The mask goes on behind the wrapper.
    write("masked_statistics", keras.Model(x, layers.LSTM(2)(y)), masked=True)


def frozen():
    inner = normalized()
    inner.layers[1].trainable = False
    write("frozen", keras.Sequential([layers.Input((3, 5)), layers.TimeDistributed(inner)]))


def one_layer():
    x = layers.Input((3, 4, 2))
    y = layers.TimeDistributed(layers.BatchNormalization(momentum=0.7))(x)
    write("one_layer", keras.Model(x, layers.TimeDistributed(layers.Flatten())(y)))


def penalties():
    """Each step's penalty counts, of both calls of a shared layer."""
    i = layers.Input((3,))
    dense = layers.Dense(3, activation="relu", activity_regularizer="l1", bias_regularizer="l2")
    inner = keras.Model(i, dense(dense(i) * 2))
    write("penalties", keras.Sequential([layers.Input((4, 3)), layers.TimeDistributed(inner)]))


def images():
    """A Functional model with operations, a model in it, a shared layer; called twice, on other numbers of steps."""
    i = layers.Input((6, 6, 1), name="image")
    conv = layers.Conv2D(2, 3, padding="same", activation="relu", kernel_regularizer="l2")
    c = conv(layers.Concatenate()([i, conv(i)[..., :1]]) [..., :1])
    tail = keras.Sequential([layers.MaxPooling2D(3), layers.Flatten(), layers.Dense(3)], name="tail")
    y = tail(c * 2 - 0.5)
    reader = keras.Model(i, y + layers.GlobalAveragePooling2D()(c)[:, :1], name="reader")
    read = layers.TimeDistributed(reader, name="read")
    a, b = layers.Input((4, 6, 6, 1), name="a"), layers.Input((2, 6, 6, 1), name="b")
    write("images", keras.Model([a, b], [layers.GRU(2)(read(a)), layers.Flatten()(read(b))], name="images"))


def sequences():
    """Masks inside, a wrapper in the wrapper, any number of steps. A bias in front of the normalization has no gradient but rounding,
    which Adam would make steps of."""
    inner = keras.Sequential(
        [
            layers.Input((4, 3)),
            layers.Masking(),
            layers.TimeDistributed(keras.Sequential([layers.Input((3,)), layers.Dense(3, use_bias=False), layers.BatchNormalization()])),
            layers.LSTM(2, return_sequences=True),
            layers.GlobalAveragePooling1D(),
        ],
        name="inner",
    )
    x = layers.Input((None, 4, 3))
    write("sequences", keras.Model(x, layers.TimeDistributed(inner)(x)))


def masks():
    """Masks that are tensors: of layers that merge, computed, and named in the call of a model."""
    x, y = layers.Input((5, 3)), layers.Input((5, 2))
    merged = layers.Concatenate()([layers.Dense(4)(layers.Masking()(x)), layers.Dense(3)(layers.Masking()(y))])
    a = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(merged)
    inner = layers.Input((5, 4))
    inner = keras.Model(inner, layers.GRU(2)(layers.Dense(3)(inner)))
    seen = keras.ops.any(keras.ops.greater(y, 0.5), axis=-1)
    b = inner(layers.Dense(4)(a), mask=seen)
    c = layers.GlobalAveragePooling1D()(a, mask=keras.ops.logical_or(seen, keras.ops.any(y < 0.2, axis=-1)))
    write("masks", keras.Model([x, y], layers.Dense(2)(layers.Concatenate()([b, c]))), masked=True)


keras.utils.set_random_seed(2)
for make in (statistics, masked_statistics, frozen, one_layer, penalties, images, sequences, masks):
    make()
