"""Goal: who watches a node asks it all the time; the log says what changed, once, and not that somebody looked."""

import http.client
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.node import Stage, finish  # noqa: E402


def probe(port: int, path: str) -> tuple:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body


def probe_until(port: int, status: int, seconds: float = 60) -> dict:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        seen, body = probe(port, "/readyz")
        if seen == status:
            return body
        time.sleep(0.02)
    raise TimeoutError(f"/readyz did not become {status}")


def events(log: pathlib.Path, name: str) -> list:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


def main() -> int:
    with Stage() as stage:
        port, log = stage.node.port, stage.node.log
        probe_until(port, 200)
        stage.postgres.stop("immediate")
        body = probe_until(port, 503)
        assert body["ready"] is False and body["reasons"], body
        for _ in range(100):
            assert probe(port, "/readyz")[0] == 503
            assert probe(port, "/healthz") == (200, {"status": "alive"}), "a node without its database lives"
        stage.postgres.start()
        probe_until(port, 200)
        # One line for each change, a sweep after it at most.
        give_up = time.monotonic() + 20
        while len(events(log, "ready")) < 2 and time.monotonic() < give_up:
            time.sleep(0.02)
        assert len(events(log, "not ready")) == 1, events(log, "not ready")
        assert events(log, "not ready")[0]["detail"], events(log, "not ready")
        assert len(events(log, "ready")) == 2, events(log, "ready")
        refused = events(log, "request refused")
        assert not refused, f"{len(refused)} lines about probes: {refused[0]}"
        assert stage.node.stop() == 0
    print("200 probes of a node without its database: one line when it left, one when it came back")
    return 6


if __name__ == "__main__":
    finish(main())
