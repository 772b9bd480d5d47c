"""Writes what every program starts from: the model with its first weights, and the data.

    prepare.py FOLDER WORKLOAD..

FOLDER/WORKLOAD/ gets model.keras, weights.safetensors (layer/variable in Keras' layout), x.bin and y.bin (f32 or i32, little-endian).
"""

import sys
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import save_file

import keras_models
from workloads import BATCHES, WORKLOADS


def settle(model, x):
    """Gives normalizations the statistics of a batch: with fresh ones, values fade away and predictions say nothing."""
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    if norms:
        model(x, training=True)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


def prepare(folder, name):
    work = WORKLOADS[name]
    folder.mkdir(parents=True, exist_ok=True)
    model = keras_models.build(name)
    rng = np.random.default_rng(1)
    samples = BATCHES * max(work.train + work.infer)
    if work.vocabulary:
        x = rng.integers(1, work.vocabulary, (samples, *work.input), dtype=np.int32)
    else:
        x = rng.random((samples, *work.input), dtype=np.float32) - np.float32(0.5)
    y = rng.integers(0, max(2, work.classes), samples, dtype=np.int32)
    settle(model, x[:8])
    model.save(folder / "model.keras")
    weights = {v.path.removeprefix(f"{model.name}/"): np.ascontiguousarray(v.numpy()) for v in model.variables}
    weights = {path: value for path, value in weights.items() if value.dtype == np.float32}
    save_file(weights, folder / "weights.safetensors")
    x.tofile(folder / "x.bin")
    (y if work.classes > 1 else y.astype(np.float32)).tofile(folder / "y.bin")
    (folder / "done").write_text("")


if __name__ == "__main__":
    for name in sys.argv[2:]:
        prepare(Path(sys.argv[1]) / name, name)
