"""Writes what a compiled model of Keras does next, for `tests/goes_on/mod.rs`."""

import json

import numpy as np


def write(folder, name, model, x, y):
    """NAME.keras as it is saved after one step, and NAME.json: samples, predictions, the logs of three steps from there, the
    predictions after them."""
    folder.mkdir(exist_ok=True)
    model.train_on_batch(x, y)
    model.save(folder / f"{name}.keras")
    flat = lambda arrays: [np.asarray(a).ravel().tolist() for a in (arrays if isinstance(arrays, list) else [arrays])]
    shapes = lambda arrays: [list(a.shape) for a in (arrays if isinstance(arrays, list) else [arrays])]
    case = {"x": flat(x), "y": flat(y), "shapes": {"x": shapes(x), "y": shapes(y)}}
    case |= {"before": flat(model.predict(x, verbose=0)), "logs": []}
    for _ in range(3):
        model.reset_metrics()
        logs = model.train_on_batch(x, y, return_dict=True)
        case["logs"].append({key: float(value) for key, value in logs.items()})
    case["after"] = flat(model.predict(x, verbose=0))
    (folder / f"{name}.json").write_text(json.dumps(case) + "\n")
