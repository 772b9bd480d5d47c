"""Who takes part: what is installed for them, and how they are started."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
REPOSITORY = HERE.parent.parent
FOLDER = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "peers"
PROGRAMS = HERE / "programs"


@dataclass
class Peer:
    name: str  # as on the command line
    title: str
    where: str  # the environment, or the Rust program
    command: list = field(default_factory=list)
    environment: dict = field(default_factory=dict)
    lacks: dict = field(default_factory=dict)  # workload: why it is left out


# What pip installs, environment by environment.
PACKAGES = {
    "keras-jax": ["keras", "jax", "safetensors"],
    "keras-tensorflow": ["keras", "tensorflow-cpu"],
    "torch": ["torch", "numpy", "safetensors"],
}


def python(peer, where, script, *options, **environment):
    title = peer[1]
    command = [str(FOLDER / where / "bin/python"), str(PROGRAMS / script), *options]
    return Peer(peer[0], title, where, command, environment)


def every():
    """All peers, ours first."""
    later = "this model is not written for it yet"
    lacks = {name: later for name in ("resnet50", "mobilenetv2", "transformer", "vit")}
    return [
        Peer("ours", "ours", "ours"),
        python(("keras-jax", "Keras, JAX"), "keras-jax", "keras_peer.py", "auto", KERAS_BACKEND="jax"),
        python(
            ("keras-tensorflow", "Keras, TensorFlow, `jit_compile`"),
            "keras-tensorflow", "keras_peer.py", "true", KERAS_BACKEND="tensorflow",
        ),
        python(
            ("keras-tensorflow-plain", "Keras, TensorFlow"),
            "keras-tensorflow", "keras_peer.py", "false", KERAS_BACKEND="tensorflow",
        ),
        python(("torch", "PyTorch, eager"), "torch", "torch_peer.py", "eager"),
        python(("torch-compile", "PyTorch, `torch.compile`"), "torch", "torch_peer.py", "compile"),
        Peer("burn", "Burn, Flex", "burn", lacks=lacks),
        Peer("candle", "candle", "candle", lacks=lacks),
    ]


class Missing(Exception):
    """A peer cannot be had; the message says why."""


def install(peer, say):
    """Makes what a peer needs, unless it is there."""
    if peer.where == "ours":
        say("building ours")
        peer.command = [build(["--bench", "peers"], REPOSITORY)]
    elif peer.where in PACKAGES:
        environment(peer.where, say)
    else:
        workspace = HERE / "rust"
        if not (workspace / peer.where).exists():
            raise Missing("there is no program for it yet")
        say(f"building {peer.title}")
        target = FOLDER / "rust"
        peer.command = [build(["--package", f"peers-{peer.where}"], workspace, target)]


def environment(name, say):
    """A Python environment of its own."""
    folder = FOLDER / name
    if (folder / "complete").exists():
        return
    say(f"installing {', '.join(PACKAGES[name])}")
    python = folder / "bin/python"
    if not python.exists():
        run([sys.executable, "-m", "venv", folder])
    run([python, "-m", "pip", "install", "-q", "--no-cache-dir", *PACKAGES[name]])
    (folder / "complete").touch()


def build(what, workspace, target=None):
    """Builds a program of Rust and returns its path."""
    environment = dict(os.environ, **({"CARGO_TARGET_DIR": str(target)} if target else {}))
    command = ["cargo", "build", "--release", "--message-format=json-render-diagnostics", *what]
    output = run(command, cwd=workspace, env=environment)
    for line in output.splitlines():
        message = json.loads(line)
        # A bench comes with the package's programs.
        if message.get("executable") and message["target"]["name"].startswith("peers"):
            return message["executable"]
    raise Missing("cargo built no program")


def run(command, **options):
    command = [str(part) for part in command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        error = next((line for line in lines if line.lower().startswith("error")), lines[-1] if lines else "no reason given")
        raise Missing(f"`{' '.join(command[:5])} ..` failed: {error[:200]}")
    return done.stdout


def size(peer):
    """Bytes that a user of this peer must have: the stripped program, or the installed packages without pip."""
    if peer.where not in PACKAGES:
        copy = FOLDER / "stripped"
        shutil.copy(peer.command[0], copy)
        if shutil.which("strip"):
            subprocess.run(["strip", copy], check=True)
        bytes = copy.stat().st_size
        copy.unlink()
        return bytes
    total = 0
    for path in (FOLDER / peer.where).glob("lib/python*/site-packages/*"):
        if not path.name.lower().startswith(("pip", "setuptools")):
            files = path.rglob("*") if path.is_dir() else [path]
            total += sum(file.lstat().st_size for file in files if not file.is_dir())
    return total


def prepare(workloads, say):
    """Models and data; returns their folder."""
    folder = FOLDER / "work"
    missing = [name for name in workloads if not (folder / name / "done").exists()]
    if missing:
        environment("keras-jax", say)
        say(f"preparing {', '.join(missing)}")
        options = dict(os.environ, KERAS_BACKEND="jax", TF_CPP_MIN_LOG_LEVEL="3")
        run([FOLDER / "keras-jax/bin/python", PROGRAMS / "prepare.py", folder, *missing], env=options)
    return folder
