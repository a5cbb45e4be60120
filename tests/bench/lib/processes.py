"""Servers of a benchmark run: start, wait until ready, count their processor time, stop. By process id, never by name.

Knows nothing of what is measured. Everything lives in the run's own directory and on ports that were free."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

READY_SECONDS = 30
STOP_SECONDS = 30
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """What stops a run, in one sentence for the person who started it."""


def free_port():
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, process=None, seconds=READY_SECONDS):
    """Polls `condition` until it is true; BenchError when `process` ends first or the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if process is not None and process.poll() is not None:
            raise BenchError(f"{what} ended with status {process.returncode} before it was ready")
        if time.monotonic() > end:
            raise BenchError(f"{what} was not ready within {seconds} s")
        time.sleep(0.05)


def accepts(port):
    """Whether somebody accepts connections on that port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A child process with its log; a context manager that stops it by its id."""

    def __init__(self, name, command, directory, stop_signal=signal.SIGTERM, env=None):
        self.name = name
        self.stop_signal = stop_signal
        self.log_path = Path(directory) / f"{name}.log"
        # Should this script be killed itself, the kernel stops its servers.
        last_will = ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG")]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*last_will, *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=directory, env=env, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def ready_when(self, condition):
        """Waits for `condition`; on failure the end of the server's log goes into the error."""
        try:
            wait_until(condition, self.name, self.process)
        except BenchError as error:
            self.stop()
            raise BenchError(f"{error}; its log ends:\n{self.log_tail()}") from None
        return self

    def log_tail(self, size=2000):
        """The last characters of what the server wrote."""
        return self.log_path.read_text(errors="replace")[-size:]

    def stop(self):
        """Asks it to stop, and kills it when it does not."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu_seconds(self):
        """Processor time of this process and of all its descendants, ended ones included, in seconds."""
        return family_cpu_seconds(self.process.pid)


def family_cpu_seconds(root):
    """Processor time in seconds of process `root` and of its descendants."""
    parents, times = {}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            # Fields 4 (parent) and 14 to 17 (own and waited-for children's user and system ticks) of proc(5).
            parents[int(entry)] = int(fields[1])
            times[int(entry)] = sum(int(ticks) for ticks in fields[11:15])

    def belongs(pid):
        while pid in parents and pid != root:
            pid = parents[pid]
        return pid == root

    return sum(ticks for pid, ticks in times.items() if belongs(pid)) / TICKS_PER_SECOND


# Servers that are not our descendants, because a script started them.
adopted = set()


def machine_seconds():
    """Processor time that the whole machine has used since it started, and how much of it was ours, in seconds."""
    # user, nice, system, (idle, iowait,) irq, softirq, steal of proc(5).
    ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    ours = sum(family_cpu_seconds(pid) for pid in {os.getpid(), *adopted})
    return (sum(ticks) - ticks[3] - ticks[4]) / TICKS_PER_SECOND, ours


def resident_bytes(pid):
    """Resident memory of one process in bytes; 0 when it has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except FileNotFoundError:
        pass
    return 0


def run(command, env=None, cwd=None):
    """Runs a command to its end and returns what it printed; BenchError with its last words when it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=cwd)
    if result.returncode != 0:
        raise BenchError(f"{Path(command[0]).name} failed with status {result.returncode}: {result.stderr[-1500:].strip()}")
    return result.stdout
