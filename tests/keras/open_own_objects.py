"""Opens a .keras file with objects of one's own (those of tests/own/objects.py) in real Keras: it predicts the same and trains on.

usage: open_own_objects.py MODEL.keras EXPECTED.json
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "own"))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import objects as own  # noqa: E402

# What this program registers, under the name of the Rust crate as its package.
known = {f"own_objects>{name}": getattr(own, name) for name in ("Gated", "Scaled", "Shifted")}
model = keras.saving.load_model(sys.argv[1], custom_objects=own.NOT_REGISTERED | known)
with open(sys.argv[2]) as file:
    case = json.load(file)
x = np.array(case["x"], "float32").reshape(8, *model.input_shape[1:])
found = model.predict(x, verbose=0)
found = found if isinstance(found, list) else [found]
for one, expected in zip(found, case["predictions"], strict=True):
    # 32-bit floats through a few layers.
    np.testing.assert_allclose(one.ravel(), expected, rtol=1e-4, atol=1e-5)
if getattr(model, "optimizer", None) is not None:
    before = int(model.optimizer.iterations)
    y = [np.array(y, "float32").reshape(one.shape) for y, one in zip(case["y"], found)]
    model.train_on_batch(x, y if len(y) > 1 else y[0])
    assert int(model.optimizer.iterations) == before + 1
print("equal")
