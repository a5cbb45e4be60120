#!/usr/bin/env python3
"""The benchmarks' command line, behind tests/bench/run, which has installed the peers and built the generator."""

import argparse
import json
import shlex
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import booking
import hop
import moves
import reads
import scale
import turns
from lib.processes import BenchError
from lib.report import print_machine

SCENARIOS = {"booking": booking, "reads": reads, "scale": scale, "hop": hop, "moves": moves, "turns": turns}
PEERS = ("keyrack", "pg", "redis", "nginx")


@dataclass
class Context:
    """What a scenario is told: where things are, how long to measure, whom."""

    here: Path
    directory: Path
    program: Path
    against: Path | None
    load: Path
    seconds: int
    warmup_seconds: int
    connections: list
    only: str | None
    smoke: bool
    answers: dict = field(default_factory=dict)

    def wants(self, peer):
        """Whether that peer takes part."""
        return self.only in (None, peer)


def arguments():
    """The command line, as described in `run`."""
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement (default 10)")
    parser.add_argument("--only", choices=PEERS, help="measure one of them")
    parser.add_argument("--smoke", action="store_true", help="2 s each and few rows: does everything still work?")
    parser.add_argument("--program", type=Path, help="the keyrack to measure (default build/release/keyrack)")
    parser.add_argument("--against", type=Path, help="turns: the keyrack to compare with")
    parser.add_argument("--json", type=Path, help="write all rows there too")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--load", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--command", required=True, help=argparse.SUPPRESS)
    found = parser.parse_args()
    if found.seconds < 1:
        parser.error("--seconds must be at least 1")
    return found


def main():
    """Runs one scenario; the exit status is 1 when it failed."""
    options = arguments()
    here = Path(__file__).resolve().parent
    scenario = SCENARIOS[options.scenario]
    context = Context(here=here, directory=options.directory,
                      program=(options.program or here.parents[1] / "build" / "release" / "keyrack").absolute(),
                      against=options.against, load=options.load, seconds=2 if options.smoke else options.seconds,
                      warmup_seconds=1 if options.smoke else 2, connections=[64] if options.smoke else [16, 64, 256],
                      only=options.only, smoke=options.smoke, answers=scenario.default_answers(here))
    # Servers are stopped on the way out of their `with`, also when somebody ends this with SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print_machine(options.command)
    try:
        results = scenario.run(context)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json:
        options.json.write_text(json.dumps({"command": shlex.join(sys.argv), "rows": [asdict(row) for row in results.rows],
                                            "remarks": results.remarks}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
