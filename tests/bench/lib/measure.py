"""One measurement with each generator: wrk, load (ours), pgbench, redis-benchmark. Each returns a Measurement.

Knows the generators' options and output, and nothing about what is behind the port."""

import csv
import functools
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from lib.postgres import BINARIES, without_pg
from lib.processes import machine_seconds, run

# pgbench writes a file per thread of its own.
THREADS = os.cpu_count() or 1


@dataclass
class Measurement:
    """What one run of a generator found. Latencies in milliseconds; `succeeded` and `failed` count requests; `strangers` is
    the share of the processors (0 to 1) that was used by others than the generator and the servers of this run."""

    succeeded: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float
    notes: dict = field(default_factory=dict)
    strangers: float = 0.0

    @property
    def per_second(self):
        """Successes per second."""
        return self.succeeded / self.seconds if self.seconds > 0 else 0.0


def watched(generator):
    """Lets a generator's measurement say what share of the processors strangers used meanwhile (0 to 1)."""
    @functools.wraps(generator)
    def measured(*arguments, **named):
        begun, (busy, ours) = time.monotonic(), machine_seconds()
        found = generator(*arguments, **named)
        busy_now, ours_now = machine_seconds()
        used = (busy_now - busy) - (ours_now - ours)
        found.strangers = max(0.0, used / ((time.monotonic() - begun) * THREADS))
        return found
    return measured


@watched
def wrk(script, url, requests, connections, seconds):
    """wrk in a closed loop: each connection sends the next request of the file `requests` when it has its answer."""
    output = run(["wrk", "-t", str(min(THREADS, connections)), "-c", str(connections), "-d", f"{seconds}s",
                  "--timeout", "5s", "-s", str(script), url, "--", str(requests)])
    found = json.loads(output.splitlines()[-1])
    socket_errors = sum(found["socket_errors"].values())
    return Measurement(found["requests"] - found["status_errors"], found["status_errors"] + socket_errors,
                       found["duration_us"] / 1e6, found["p50_us"] / 1e3, found["p99_us"] / 1e3,
                       {"max_ms": found["max_us"] / 1e3, "socket_errors": found["socket_errors"]})


@watched
def load(program, port, requests, connections, seconds, expect, rate=0, warmup=0):
    """Our own generator: a closed loop, or an open one at `rate` requests a second whose latency counts from the moment
    a request was due, so that a stalled server is not flattered."""
    found = json.loads(run([str(program), "--port", str(port), "--requests", str(requests), "--connections",
                            str(connections), "--seconds", str(seconds), "--warmup", str(warmup), "--rate", str(rate),
                            "--expect", str(expect)]))
    return Measurement(found["succeeded"], found["failed"] + found["unsent"], found["seconds"], found["p50_ms"],
                       found["p99_ms"], found)


@watched
def pgbench(url, script, variables, clients, seconds, directory, isolation=None):
    """pgbench with prepared statements; latencies are read from its transaction logs (they include retries)."""
    prefix = Path(directory) / "pgbench-transactions"
    command = [str(BINARIES / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(THREADS, clients)),
               "-T", str(seconds), "-l", f"--log-prefix={prefix}", "-f", str(script)]
    env = without_pg(os.environ)
    if isolation:
        # A retry is what a program would do at a serialization error; without --max-tries pgbench would count a failure.
        command.append("--max-tries=1000")
        env["PGOPTIONS"] = f"-c default_transaction_isolation={isolation.replace(' ', chr(92) + ' ')}"
    for name, value in variables.items():
        command += ["-D", f"{name}={value}"]
    run([*command, url], env=env, cwd=directory)
    return read_pgbench_logs(prefix, retried=isolation is not None)


def read_pgbench_logs(prefix, retried):
    """Successes, failures, retries and percentiles out of pgbench's logs; the logs are removed."""
    latencies, failed, retries = [], 0, 0
    first, last = float("inf"), 0.0
    for path in prefix.parent.glob(f"{prefix.name}.*"):
        for line in path.read_text().splitlines():
            # client, number, latency in us or "failed", script, second, microsecond[, retries]: pgbench(1), per-transaction log.
            fields = line.split()
            ended = int(fields[4]) + int(fields[5]) / 1e6
            first, last = min(first, ended), max(last, ended)
            retries += int(fields[6]) if retried else 0
            if fields[2].isdigit():
                latencies.append(int(fields[2]))
            else:
                failed += 1
        path.unlink()
    latencies.sort()
    return Measurement(len(latencies), failed, max(last - first, 1e-6), percentile(latencies, 50) / 1e3,
                       percentile(latencies, 99) / 1e3, {"retries": retries} if retried else {})


def percentile(ordered, percent):
    """The value below which `percent` of an ordered list lies; 0 for an empty one."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0


@watched
def redis_benchmark(port, clients, seconds, keyspace, command):
    """redis-benchmark for about that long: it counts requests, not seconds, so a short run finds the number first. One
    thread of it is as fast as two, or faster, with one thread of Redis on two processors."""
    def once(count):
        output = run(["redis-benchmark", "-h", "127.0.0.1", "-p", str(port), "-c", str(clients), "-n", str(count),
                      "-r", str(keyspace), "--csv", *command])
        header, values = list(csv.reader(output.splitlines()))[-2:]
        return dict(zip(header, values, strict=True))

    count = max(1000, int(float(once(20_000)["rps"]) * seconds))
    found = once(count)
    rate = float(found["rps"])
    return Measurement(count, 0, count / rate, float(found["p50_latency_ms"]), float(found["p99_latency_ms"]))
