"""PyTorch: torch_peer.py eager|compile WORKLOAD TASK BATCH THREADS FOLDER.

Convolutional networks take images with channels first or last, whichever is faster here. Optimizers are the fused ones; predictions
of compiled models have frozen weights, which PyTorch then lays out anew.
"""

import copy
import math
import os
import sys
import time

from protocol import Task, serve
from workloads import BATCHES

compiles = sys.argv[1] == "compile"
task = Task(sys.argv[2:])
os.environ["OMP_NUM_THREADS"] = str(task.threads)
if compiles and not task.trains:
    os.environ["TORCHINDUCTOR_FREEZING"] = "1"

import torch
from safetensors.numpy import load_file
from torch.nn import functional as F

import torch_models

torch.set_num_threads(task.threads)
work, images = task.work, len(task.work.input) == 3
x, y = (torch.from_numpy(part) for part in task.data())
if images:
    x = x.permute(0, 3, 1, 2)
model = torch_models.build(task.name, load_file(task.folder / "weights.safetensors"))
model.train(task.trains)


def loss_of(out, y):
    if work.classes == 1:
        return F.binary_cross_entropy_with_logits(out[:, 0], y)
    return F.cross_entropy(out, y)


class Steps:
    """Runs a model whose images are laid out as `layout` says."""

    def __init__(self, model, layout):
        self.at = 0
        self.x = list(x.contiguous(memory_format=layout).split(task.batch)) if images else list(x.split(task.batch))
        self.y = list((y.long() if work.classes > 1 else y).split(task.batch))
        self.model = model.to(memory_format=layout) if images else model
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = {
            "sgd": lambda: torch.optim.SGD(parameters, work.rate, fused=True),
            "momentum": lambda: torch.optim.SGD(parameters, work.rate, momentum=0.9, fused=True),
            "adam": lambda: torch.optim.Adam(parameters, work.rate, eps=1e-7, fused=True),
        }[work.optimizer]()
        last = torch.sigmoid if work.classes == 1 else lambda out: torch.softmax(out, -1)
        self.loss = lambda x, y: loss_of(self.model(x), y)
        self.predict = lambda x: last(self.model(x))
        if compiles:
            self.loss, self.predict = torch.compile(self.loss), torch.compile(self.predict)

    def train(self, steps):
        total = torch.zeros(())
        for _ in range(steps):
            at = self.at % BATCHES
            self.at += 1
            self.optimizer.zero_grad()
            loss = self.loss(self.x[at], self.y[at])
            loss.backward()
            if work.optimizer == "adam":
                # Keras adds epsilon to a second moment that is not corrected yet.
                self.optimizer.param_groups[0]["eps"] = 1e-7 / math.sqrt(1 - 0.999**self.at)
            self.optimizer.step()
            total += loss.detach()
        return total / steps

    def infer(self, steps):
        with torch.no_grad():
            for i in range(steps):
                out = self.predict(self.x[i % BATCHES])
        return out

    def __call__(self, steps):
        return self.train(steps) if task.trains else self.infer(steps)


def seconds(steps):
    """A step of a trial."""
    steps(2)
    start = time.perf_counter()
    for _ in range(3):
        steps(1)
    return time.perf_counter() - start


class Chosen:
    """The layout that was asked for first, then the faster one: a second, untimed call tries both on copies of the model."""

    layouts = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}

    def __init__(self):
        self.first = copy.deepcopy(model)
        self.steps = Steps(model, torch.contiguous_format)
        self.calls = 0

    def __call__(self, steps):
        self.calls += 1
        if self.calls == 2 and images:
            times = {}
            for name, layout in self.layouts.items():
                times[name] = seconds(Steps(copy.deepcopy(self.first), layout))
            best = min(times, key=times.get)
            if best == "channels last":
                self.steps = Steps(self.first, self.layouts[best])
                self.steps(1)  # the step that was taken already
        return self.steps(steps)


version = f"PyTorch {torch.__version__}"
serve(task, Chosen(), {"version": version})
