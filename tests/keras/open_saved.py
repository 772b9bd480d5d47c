"""Opens a .keras file with real Keras, predicts, and compares with what was predicted here.

usage: open_saved.py MODEL.keras INPUTS.npz OUTPUTS.npz [train]

With `train`, the model must also have a built optimizer that takes a step.
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # noqa: E402
import numpy as np  # noqa: E402

model = keras.saving.load_model(sys.argv[1])
inputs = list(np.load(sys.argv[2]).values())
expected = list(np.load(sys.argv[3]).values())
found = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
found = found if isinstance(found, (list, tuple)) else [found]
assert len(found) == len(expected), (len(found), len(expected))
for ours, theirs in zip(expected, found):
    # 32-bit floats, sums of some hundred products in another order.
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
if "train" in sys.argv[4:]:
    before = int(model.optimizer.iterations)
    assert before > 0, "the optimizer's state was not restored"
    labels = np.zeros(len(inputs[0]), "int32")
    model.train_on_batch(inputs[0], labels)
    assert int(model.optimizer.iterations) == before + 1
print("equal")
