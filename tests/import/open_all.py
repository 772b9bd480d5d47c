"""Opens every .keras file of a folder with real Keras and compares its predictions with those beside it.

usage: open_all.py FOLDER
"""

import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # noqa: E402
import numpy as np  # noqa: E402

# The axes of a norm are a list in a file, its own files included, and JAX takes none.
CANNOT = {"norm_of_matrices"}

failures, count = [], 0
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    if path.stem in CANNOT:
        continue
    count += 1
    try:
        model = keras.saving.load_model(path)
        inputs = list(np.load(path.with_suffix(".inputs.npz")).values())
        expected = list(np.load(path.with_suffix(".outputs.npz")).values())
        found = model(inputs if len(inputs) > 1 else inputs[0])
        found = found if isinstance(found, (list, tuple)) else [found]
        assert len(found) == len(expected), (len(found), len(expected))
        for ours, theirs in zip(expected, found):
            theirs = np.asarray(theirs)
            assert ours.dtype == theirs.dtype, (ours.dtype, theirs.dtype)
            # 32-bit floats: functions are within a few units of the last of 24 bits.
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    except Exception as error:  # every case is told
        failures.append(f"{path.stem}: {type(error).__name__}: {error}")
if failures:
    sys.exit(f"{len(failures)} of {count}:\n" + "\n".join(failures))
print(f"{count} are equal")
