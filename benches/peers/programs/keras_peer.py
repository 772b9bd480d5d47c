"""Keras on the back end that KERAS_BACKEND names: keras_peer.py JIT WORKLOAD TASK BATCH THREADS FOLDER; JIT is true, false or auto.

Training takes `fit` or `train_on_batch`, whichever is faster here: the first calls try both. Predictions take `predict_on_batch`.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from protocol import Task, serve
from workloads import BATCHES

task = Task(sys.argv[2:])
jit = {"true": True, "false": False}.get(sys.argv[1], sys.argv[1])

import keras
import numpy as np

if keras.config.backend() == "tensorflow":
    import tensorflow as back_end

    back_end.config.threading.set_intra_op_parallelism_threads(task.threads)
    back_end.config.threading.set_inter_op_parallelism_threads(task.threads)
else:
    import jax as back_end  # it takes as many threads as it may run on

import keras_models

model = keras.saving.load_model(task.folder / "model.keras")
keras_models.compile(model, task.name, jit_compile=jit)
x, y = task.data()
batches = [(x[i : i + task.batch], y[i : i + task.batch]) for i in range(0, len(x), task.batch)]


class Training:
    def __init__(self):
        self.at = 0
        self.times = {self.fit: [], self.train_on_batch: []}

    def fit(self, steps):
        order = [(self.at + i) % BATCHES for i in range(steps)]
        x = np.concatenate([batches[i][0] for i in order])
        y = np.concatenate([batches[i][1] for i in order])
        history = model.fit(x, y, batch_size=task.batch, shuffle=False, verbose=0)
        return history.history["loss"][0]

    def train_on_batch(self, steps):
        losses = [model.train_on_batch(*batches[(self.at + i) % BATCHES]) for i in range(steps)]
        return np.mean(losses)

    def __call__(self, steps):
        tried = sum(map(len, self.times.values()))
        ways = list(self.times)
        way = ways[tried % 2] if tried < 6 else min(ways, key=lambda way: min(self.times[way][-2:]))
        start = time.perf_counter()
        loss = way(steps)
        self.times[way].append((time.perf_counter() - start) / steps)
        self.at += steps
        return loss


def predict(steps):
    for i in range(steps):
        out = model.predict_on_batch(batches[i % BATCHES][0])
    return np.asarray(out)


version = f"Keras {keras.__version__}, {back_end.__name__} {back_end.__version__}"
serve(task, Training() if task.trains else predict, {"version": version})
