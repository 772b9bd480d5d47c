"""Real Keras opens files that were written here.

usage: check.py JOBS.json

A job is {"npz": arrays x0, x1, .. and the predictions y0, y1, .. that are expected} with
  "model": a file that Keras opens, or
  "architecture": JSON or YAML, and "weights": a file that is loaded into it;
"tolerance": how far predictions may lie apart (1e-5 of 32-bit floats without),
"train": the optimizer has taken that many steps, and takes another one ("loss" is that of a legacy file).
"""

import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras.src.legacy.saving import legacy_h5_format  # noqa: E402


def architecture(path):
    with open(path) as file:
        text = file.read()
    if path.endswith(".json"):
        return keras.models.model_from_json(text)
    import yaml

    return keras.models.model_from_json(json.dumps(yaml.safe_load(text)))


def load(job):
    if "model" in job:
        # A folder is named by what it holds, a legacy file by its extension.
        return keras.saving.load_model(job["model"])
    model = architecture(job["architecture"])
    if job["weights"].endswith(".safetensors"):
        from safetensors.numpy import load_file

        arrays = load_file(job["weights"])
        for variable in model.variables:
            if "seed_generator" not in variable.path:
                # Paths of Keras depend on when a layer was built: one may be the end of the other.
                path = "/" + variable.path
                (name,) = [n for n in arrays if path.endswith("/" + n) or ("/" + n).endswith(path)]
                variable.assign(arrays[name])
    else:
        model.load_weights(job["weights"])
    return model


for job in json.load(open(sys.argv[1])):
    print(job, flush=True)
    model = load(job)
    arrays = np.load(job["npz"])
    inputs = [arrays[k] for k in sorted(arrays) if k.startswith("x")]
    expected = [arrays[k] for k in sorted(arrays) if k.startswith("y")]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    found = model.predict(inputs, verbose=0)
    found = found if isinstance(found, (list, tuple)) else [found]
    assert len(found) == len(expected), (len(found), len(expected))
    for ours, theirs in zip(expected, found):
        # 32-bit floats, sums of some ten products in another order; or what the job says of narrower ones.
        tolerance = job.get("tolerance", 1e-5)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance / 10)
    if "train" in job:
        if job["model"].endswith(".h5"):
            # Keras 3.15 builds the optimizer of a legacy file for no variables, also of its own files: do what it means to.
            fresh = keras.optimizers.deserialize(keras.optimizers.serialize(model.optimizer))
            fresh.build(model.trainable_variables)
            with h5py.File(job["model"]) as file:
                fresh.set_weights(legacy_h5_format.load_optimizer_weights_from_hdf5_group(file))
            model.compile(fresh, job["loss"])
        assert int(model.optimizer.iterations) == job["train"], int(model.optimizer.iterations)
        # Momenta that were lost would be zeros.
        slots = [v for v in model.optimizer.variables if "velocity" in v.path or "momentum" in v.path]
        assert all(np.any(np.asarray(v) != 0) for v in slots), [v.path for v in slots]
        labels = expected if len(expected) > 1 else expected[0]
        model.train_on_batch(inputs, labels)
        assert int(model.optimizer.iterations) == job["train"] + 1
print("all", len(json.load(open(sys.argv[1]))))
