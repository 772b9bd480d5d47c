"""Measures one task: everybody starts, warms up, and then takes turns, round after round."""

import math
import os
import statistics
import time

from .process import Failed, Process

EPSILON = 2.0**-23  # of float32
LONGEST_COMPILATION = 600.0
WARM_UP = 8  # turns


def environment(peer, cores):
    """The environment of a program; libraries take as many threads as there are cores for them."""
    threads = str(len(cores))
    variables = dict(os.environ, **peer.environment)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "NPROC"):
        variables[name] = threads
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        variables.pop(name, None)  # they hold a library back to kernels of older processors
    variables.update(TF_CPP_MIN_LOG_LEVEL="3", PYTHONDONTWRITEBYTECODE="1")
    return variables


def busy():
    """Seconds that the processors of this machine have worked."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _wait, irq, soft, *_ = map(int, stat.readline().split()[1:])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def own(processes):
    """Seconds that our processes have worked, with all their threads."""
    total = 0
    for process in processes:
        try:
            with open(f"/proc/{process.child.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


class Task:
    """A workload, trained or predicting, at one batch size."""

    def __init__(self, name, work, kind, batch):
        self.name, self.work, self.kind, self.batch = name, work, kind, batch
        self.key = f"{name}/{kind}/{batch}"

    def __str__(self):
        return f"{self.name} {self.kind} {self.batch}"


def measure(task, peers, cores, options, data, logs, say):
    """Times of a task for every peer that can do it: `{"steps": .., "peers": {name: figures}}`."""
    out, running, firsts = {}, {}, {}
    try:
        for peer in peers:
            if task.name in peer.lacks:
                out[peer.name] = {"missing": peer.lacks[task.name]}
                continue
            say(f"{task}: {peer.title} starts")
            command = [*peer.command, task.name, task.kind, task.batch, len(cores), data / task.name]
            log = logs / f"{task.key.replace('/', '-')}-{peer.name}.log"
            command = [str(part) for part in command]
            process = Process(command, cores, options.nice, environment(peer, cores), log, LONGEST_COMPILATION)
            try:
                answer, start = process.first()
                process.pause()
                running[peer.name] = process
                firsts[peer.name] = [answer]
                out[peer.name] = {"version": answer["version"], "start": start, "times": []}
            except Failed as why:
                process.end()
                out[peer.name] = {"missing": str(why)}

        def turn(name, steps):
            """One peer's turn; None if it failed."""
            try:
                answer = running[name].run(steps)
                running[name].pause()
                firsts[name].append(answer)
                return answer["seconds"]
            except Failed as why:
                running.pop(name).end()
                out[name] = {"missing": str(why)}

        # Warm up. Everybody takes the same steps, so many that the slowest works for `options.seconds`. Programs that have several ways to
        # do the work try them here.
        steps, quick = 1, 0
        for at in range(WARM_UP):
            if not running:
                break
            say(f"{task}: warms up ({at + 1} of {WARM_UP}, {steps} steps)")
            slowest = max(turn(name, steps) or 0 for name in list(running))
            quick = min(max(1, int(options.seconds / max(slowest / steps, 1e-9))), 100_000)
            # Compilations are over after a few turns; until then the times say little.
            steps = min(quick, steps * 8) if at >= 2 else 1
        steps = quick
        for name in firsts:
            firsts[name] = firsts[name][:1]
        busy_before, own_before = busy(), own(running.values())
        began = time.perf_counter()
        for at in range(options.rounds):
            say(f"{task}: round {at + 1} of {options.rounds}, {steps} steps each")
            names = list(running)
            first = at % max(1, len(names))  # nobody is always the first
            for name in names[first:] + names[:first]:
                took = turn(name, steps)
                if took is not None:
                    out[name]["times"].append(took / steps)
        wall = time.perf_counter() - began
        other = (busy() - busy_before) - (own(running.values()) - own_before)
        for name, process in running.items():
            out[name]["memory"] = process.peak()
        compare(task, steps, firsts, out)
    finally:
        for process in running.values():
            process.end()
    return {"steps": steps, "rounds": options.rounds, "other_work": max(0.0, other / wall), "peers": out}


def compare(task, steps, answers, out):
    """Whether everybody computed the same: results are held against the first peer's, who is us.

    Predictions are one pass: 16 numbers, to 2^-23 times 4096 of the largest. Losses are those of the first step, as near, and the means
    of the timed rounds, where rounding has been fed back from step to step: to 2 % of the first loss.
    """
    names = [name for name in answers if "missing" not in out[name]]
    if not names:
        return
    for name in names:
        one, other = answers[names[0]], answers[name]
        worst = {"first": 0.0, "last": 0.0}
        for at, (a, b) in enumerate(zip(one, other)):
            if task.kind == "train":
                scale = max(abs(one[0]["loss"] or math.inf), 1e-3)
                pairs = [(a["loss"], b["loss"])]
            else:
                scale = max((abs(v) for v in a["output"] if v is not None), default=1.0)
                pairs = list(zip(a["output"], b["output"]))
            far = max(math.inf if None in pair else abs(pair[0] - pair[1]) / scale for pair in pairs)
            key = "last" if at and task.kind == "train" else "first"
            worst[key] = max(worst[key], far)
        out[name]["deviation"] = worst
        out[name]["agrees"] = worst["first"] < 4096 * EPSILON and worst["last"] < 0.02


def ratios(figures, name):
    """How often as long as we a peer took, round by round."""
    ours, theirs = (figures["peers"].get(n, {}).get("times", []) for n in ("ours", name))
    return [b / a for a, b in zip(ours, theirs)]


def median(values):
    return statistics.median(values) if values else math.nan
