"""Opens a .keras file whose loss and metrics are functions of one's own with real Keras, and evaluates.

usage: open_own.py MODEL.keras EXPECTED.json

The functions are those of keras-runtime/tests/own_objectives.rs. EXPECTED has the samples and what was evaluated here.
"""

import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import ops  # noqa: E402


def quartic(y_true, y_pred):
    return ops.mean(ops.square(ops.square(y_true - y_pred)), -1)


def either(y_true, y_pred, squared, scale):
    error = scale * (y_true - y_pred)
    return ops.square(error) if squared else ops.abs(error)


def within(y_true, y_pred):
    return ops.abs(y_true - y_pred) < 0.5


model = keras.saving.load_model(sys.argv[1], custom_objects={f.__name__: f for f in (quartic, either, within)})
with open(sys.argv[2]) as file:
    expected = json.load(file)
x, y = (np.array(expected.pop(name), "float32") for name in "xy")
found = model.evaluate(x.reshape(-1, 2), y.reshape(-1, 1), batch_size=len(y), verbose=0, return_dict=True)
assert set(found) == set(expected), (found, expected)
for name, value in expected.items():
    # 32-bit floats, and numbers that were written in decimal.
    np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)
before = int(model.optimizer.iterations)
model.train_on_batch(x.reshape(-1, 2), y.reshape(-1, 1))
assert int(model.optimizer.iterations) == before + 1
print("equal")
