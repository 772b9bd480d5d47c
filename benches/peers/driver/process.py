"""A program under measurement: it works in its turn only, and is stopped in between."""

import ctypes
import json
import os
import selectors
import signal
import subprocess
import time


class Failed(Exception):
    """A program ended, or took too long; the message says why."""


class Process:
    def __init__(self, command, cores, niceness, environment, log, patience):
        """Starts a program on these cores. What it writes to its error stream goes to `log`."""

        def prepare():
            os.sched_setaffinity(0, cores)
            if niceness:
                os.nice(niceness)
                # Where the kernel groups processes by session, it is the session's niceness that counts.
                if os.path.exists("/proc/self/autogroup"):
                    with open("/proc/self/autogroup", "w") as group:
                        group.write(str(niceness))
            # Who is stopped does not see that its driver has died.
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)

        self.log, self.patience, self.buffer = log, patience, b""
        with open(log, "wb") as errors:
            self.start = time.perf_counter()
            self.child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                start_new_session=True,
                preexec_fn=prepare,
            )

    def read(self):
        """The next line that is an object of JSON; libraries may print others."""
        end = time.perf_counter() + self.patience
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.child.stdout, selectors.EVENT_READ)
            while True:
                line, newline, rest = self.buffer.partition(b"\n")
                if newline:
                    self.buffer = rest
                    if line.startswith(b"{"):
                        return json.loads(line)
                    continue
                left = end - time.perf_counter()
                if left <= 0 or not waiting.select(left):
                    raise Failed(f"no answer in {self.patience:.0f} s")
                read = os.read(self.child.stdout.fileno(), 65536)
                if not read:
                    raise Failed(f"it ended with {self.child.wait()}: {self.last_words()}")
                self.buffer += read

    def last_words(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1].strip()[:200] if lines else "without a word"

    def first(self):
        """What it says at its first result, and the seconds since it was started."""
        answer = self.read()
        return answer, time.perf_counter() - self.start

    def run(self, steps):
        """Its answer to so many steps."""
        self.signal(signal.SIGCONT)
        try:
            self.child.stdin.write(f"{steps}\n".encode())
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # `read` says why
        return self.read()

    def pause(self):
        """Threads that wait for work by spinning would take the others' cores."""
        self.signal(signal.SIGSTOP)

    def signal(self, which):
        try:
            os.killpg(self.child.pid, which)
        except ProcessLookupError:
            pass

    def peak(self):
        """The most memory that it had, in bytes."""
        with open(f"/proc/{self.child.pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise Failed("its memory cannot be read")

    def end(self):
        self.signal(signal.SIGKILL)
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()
