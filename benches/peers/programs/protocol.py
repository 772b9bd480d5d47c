"""The protocol of the programs (see README.md), for those in Python."""

import json
import sys
import time
from pathlib import Path

import numpy as np

from workloads import BATCHES, WORKLOADS


class Task:
    """What a program is told on its command line: PROGRAM .. WORKLOAD TASK BATCH THREADS FOLDER."""

    def __init__(self, arguments):
        self.name, self.kind, batch, threads, folder = arguments
        self.batch, self.threads, self.folder = int(batch), int(threads), Path(folder)
        self.work = WORKLOADS[self.name]
        self.trains = self.kind == "train"

    def data(self):
        """All samples that are used, and their labels."""
        work, samples = self.work, BATCHES * self.batch
        x = np.fromfile(self.folder / "x.bin", np.int32 if work.vocabulary else np.float32)
        y = np.fromfile(self.folder / "y.bin", np.int32 if work.classes > 1 else np.float32)
        return x.reshape(-1, *work.input)[:samples], y[:samples]


def say(**what):
    print(json.dumps(what), flush=True)


def serve(task, run, about):
    """Runs `run(n)` when it is asked for: n steps, whose mean loss, or whose last output, it returns.

    `about` is what the program says of itself.
    """

    def result(value):
        if task.trains:
            return {"loss": float(value)}
        return {"output": [float(v) for v in np.asarray(value).reshape(-1)[:16]]}

    say(**about, **result(run(1)))
    for line in sys.stdin:
        steps = int(line)
        start = time.perf_counter()
        value = run(steps)
        say(seconds=time.perf_counter() - start, **result(value))
