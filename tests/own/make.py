"""Writes files of real Keras with objects of somebody's own into tests/own/files, for tests/own_objects.rs.

usage: KERAS_BACKEND=jax python tests/own/make.py

refused-*.keras have what cannot be registered.
"""

import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "keras"))

import case  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
import objects as own  # noqa: E402
from keras import layers  # noqa: E402

FILES = pathlib.Path(__file__).parent / "files"
rng = np.random.default_rng(3)


def write(name, model, shape, outputs):
    x = rng.normal(size=(8, *shape)).astype("float32")
    y = [rng.normal(size=(8, *output)).astype("float32") for output in outputs]
    case.write(FILES, name, model, x, y if len(y) > 1 else y[0])


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
