"""Writes what was measured: JSON, Markdown tables, and a chart."""

import json
import statistics

from .chart import chart
from .measure import ratios
from .peers import every
from .workloads import WORKLOADS

NOT_MEASURED = "not measured yet"
KINDS = {"train": "Training step", "infer": "Prediction"}


def time(seconds):
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds * 1e9:.3g} ns"


def bytes(size):
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size / 1e3:.3g} kB"


def order(key):
    """Tasks in the order of the table of workloads."""
    name, kind, batch = key.split("/")
    return list(KINDS).index(kind), list(WORKLOADS).index(name), int(batch)


def middle(figures, name):
    """The median of a peer's ratios, or None."""
    values = ratios(figures, name)
    return statistics.median(values) if values else None


def names(results):
    """Peers that have a figure or a reason, in their order."""
    seen = {name for figures in results["tasks"].values() for name in figures["peers"]} | set(results["peers"])
    return [peer for peer in every() if peer.name in seen]


class Notes:
    """Reasons for dashes, each once."""

    def __init__(self):
        self.all = []

    def mark(self, text):
        if text not in self.all:
            self.all.append(text)
        return f"<sup>{self.all.index(text) + 1}</sup>"

    def __str__(self):
        return "\n".join(f"{at}. {text}" for at, text in enumerate(self.all, 1))


def reason(peer, why):
    return why if why == NOT_MEASURED else f"{peer.title}: {why}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def label(key):
    name, _, batch = key.split("/")
    return f"{WORKLOADS[name].title}, {batch}"


def speeds(results, kind, peers, notes):
    """The table of ratios of a kind of task."""
    rows, best = [], []
    for key in sorted(results["tasks"], key=order):
        if key.split("/")[1] != kind:
            continue
        figures = results["tasks"][key]
        middles = {peer.name: middle(figures, peer.name) for peer in peers}
        known = [value for name, value in middles.items() if value and name != "ours"]
        ours = figures["peers"].get("ours", {})
        row = [label(key)]
        for peer in peers:
            figure = figures["peers"].get(peer.name, {"missing": NOT_MEASURED})
            if "missing" in figure:
                row.append("–" + notes.mark(reason(peer, figure["missing"])))
                continue
            if peer.name == "ours":
                text = time(statistics.median(figure["times"]))
            elif middles[peer.name] is None:
                text = time(statistics.median(figure["times"]))
            else:
                text = f"{middles[peer.name]:.3g}"
                if middles[peer.name] == min(known):
                    text = f"**{text}**"
            if not figure.get("agrees", True):
                far = figure["deviation"]
                text += " ≠" + notes.mark(
                    f"{label(key)}, {KINDS[kind].lower()}, {peer.title}: results differ from ours by {far['first']:.1g} at first,"
                    f" {far['last']:.1g} later"
                )
            row.append(text)
        if known and ours.get("times"):
            best.append(min(known))
        rows.append(row)
    if not rows:
        return ""
    head = ["workload, batch", *(peer.title for peer in peers)]
    text = f"### {KINDS[kind]}\n\n{table(head, rows)}"
    if best:
        ahead = sum(value >= 1 for value in best)
        text += f"\nOver the best peer: median {statistics.median(best):.2f}, ahead in {ahead} of {len(best)}.\n"
    return text


def starts(results, peers):
    """Seconds to the first result, memory, size."""
    rows = []
    for key in sorted(results["tasks"], key=order):
        figures = results["tasks"][key]["peers"]
        row = [f"{label(key)}, {KINDS[key.split('/')[1]].lower()}"]
        for peer in peers:
            figure = figures.get(peer.name, {})
            row.append(f"{time(figure['start'])}, {bytes(figure['memory'])}" if "memory" in figure else "–")
        rows.append(row)
    size = lambda peer: bytes(results["peers"][peer.name]["size"]) if "size" in results["peers"].get(peer.name, {}) else "–"
    sizes = ["size of the program, or of the packages", *(map(size, peers))]
    head = ["", *(peer.title for peer in peers)]
    return f"### Process start to first result, and peak memory\n\n{table(head, [sizes, *rows])}"


def markdown(results):
    peers, notes, machine = names(results), Notes(), results["machine"]
    versions = sorted({f["version"] for t in results["tasks"].values() for f in t["peers"].values() if "version" in f})
    revisions = sorted({figures["revision"] for figures in results["tasks"].values() if "revision" in figures})
    if revisions:
        versions.append(f"our revision {', '.join(revisions)}")
    loads = [figures["other_work"] for figures in results["tasks"].values()]
    text = (
        f"{machine['processor']} ({machine['vectors']}), {machine['threads']} threads on {machine['threads']} of"
        f" {machine['cores']} cores, {machine['system']}, {machine['date']}; {'; '.join(versions)}; float32.\n\n"
    )
    if loads and statistics.median(loads) > 0.1:
        text += (
            f"**Measured beside other work**, which took {statistics.median(loads):.1f} cores (the median of the tasks): ratios"
            " compare, times do not.\n\n"
        )
    text += "Ours is a time; the others are how many times as long they take: above 1, we are faster. The best peer is bold.\n\n"
    text += "\n".join(part for part in (speeds(results, kind, peers, notes) for kind in KINDS) if part)
    for peer in peers:
        if "missing" in results["peers"].get(peer.name, {}):
            notes.mark(reason(peer, results["peers"][peer.name]["missing"]))
    if notes.all:
        text += f"\n{notes}\n"
    return f"{text}\n{starts(results, peers)}"


def write(results, folder):
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (folder / "results.md").write_text(markdown(results))
    rows = []
    for key in sorted(results["tasks"], key=order):
        figures = results["tasks"][key]
        values = {peer.name: middle(figures, peer.name) for peer in names(results) if peer.name != "ours"}
        rows.append((f"{label(key)}, {KINDS[key.split('/')[1]].lower()}", values))
    titles = {peer.name: peer.title.replace("`", "") for peer in names(results) if peer.name != "ours"}
    (folder / "results.svg").write_text(chart(rows, titles))
