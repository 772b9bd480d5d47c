"""Opens every NAME.keras of a folder that has a NAME.npz beside it with real Keras, predicts, and compares.

usage: open_all.py FOLDER

NAME.npz holds inputs (x0, x1, ...) and expected outputs (y0, y1, ...). Where there is an ORIGINAL/NAME.keras, variables and layers have
the types that they have there.
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax  # noqa: E402

jax.config.update("jax_enable_x64", True)

import keras  # noqa: E402
import numpy as np  # noqa: E402

# Keras computes these policies in 11 bits, or 8.
COARSE = {"float16": 4e-3, "bfloat16": 3e-2}


def types(model):
    variables = [(v.name, keras.backend.standardize_dtype(v.dtype)) for v in model.weights]
    return sorted(variables), sorted((layer.name, layer.dtype_policy.name) for layer in model.layers)


folder = sys.argv[1]
names = sorted(f[:-6] for f in os.listdir(folder) if f.endswith(".keras"))
assert names, "there is nothing to open"
failures = []
for name in names:
    try:
        path = os.path.join(folder, name)
        model = keras.saving.load_model(path + ".keras")
        arrays = dict(np.load(path + ".npz"))
        of = lambda letter: [arrays[f"{letter}{i}"] for i in range(len(arrays)) if f"{letter}{i}" in arrays]  # noqa: E731
        inputs, expected = of("x"), of("y")
        found = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
        found = found if isinstance(found, (list, tuple)) else [found]
        assert len(found) == len(expected), (len(found), len(expected))
        # 32-bit floats, sums of some hundred products in another order.
        tolerance = max([t for key, t in COARSE.items() if any(key in p for _, p in types(model)[1])], default=1e-5)
        for ours, theirs in zip(expected, found):
            np.testing.assert_allclose(np.asarray(theirs, "float64"), ours, rtol=tolerance, atol=tolerance)
        original = os.path.join(folder, "original", name + ".keras")
        if os.path.exists(original):
            ours, theirs = types(model), types(keras.saving.load_model(original))
            assert ours == theirs, f"types: {ours} instead of {theirs}"
    except Exception as error:  # all of them are told
        failures.append(f"{name}: {type(error).__name__}: {str(error)[:600]}")
if failures:
    sys.exit("\n".join(failures))
print(len(names), "equal")
