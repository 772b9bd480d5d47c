#!/usr/bin/env python3
"""Writes the cases in small/ with real Keras: a model, inputs, and what Keras makes of them.

    KERAS_BACKEND=jax python small.py
"""

import json
import pathlib

import keras
import numpy as np
from keras import layers

FOLDER = pathlib.Path(__file__).parent / "small"


def write(name, model, inputs):
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    np.savez(folder / "inputs.npz", **inputs)
    only = len(inputs) == 1
    found = model.predict(next(iter(inputs.values())) if only else inputs, verbose=0)
    outputs = {"y": found}
    np.savez(folder / "outputs.npz", **outputs)
    ports = lambda arrays: [{"name": k, "dtype": str(v.dtype), "shape": list(v.shape)} for k, v in arrays.items()]
    # Sums of a dozen products in 32 bits, in another order.
    case = {"atol": 1e-6, "rtol": 1e-5, "inputs": ports(inputs), "outputs": ports(outputs)}
    (folder / "case.json").write_text(json.dumps(case, indent=1) + "\n")
    keras.backend.clear_session()


def main():
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    classifier = keras.Sequential([
        keras.Input((4,), name="x"), layers.Dense(8, activation="relu", name="hidden"), layers.Dense(3, activation="softmax"),
    ])
    write("classifier", classifier, {"x": rng.normal(size=(5, 4)).astype("float32")})

    inner = keras.Input((6,))
    tower = keras.Model(inner, layers.Dense(4, activation="tanh")(inner), name="tower")
    left, right = keras.Input((6,), name="left"), keras.Input((6,), name="right")
    out = layers.Dense(2, name="score")(tower(left) - tower(right))
    pair = {name: rng.normal(size=(3, 6)).astype("float32") for name in ("left", "right")}
    write("towers", keras.Model([left, right], out, name="towers"), pair)


if __name__ == "__main__":
    main()
