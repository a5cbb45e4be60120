"""Goal: the API's document is valid by a public linter's recommended rules, its examples fit its schemas, and a node answers
what it says; its page shows all of it and loads nothing from elsewhere. Each check is shown a damaged document, and must see it.

That the document and the routes are the same API is tests/gateway/openapi_test.cpp.
"""

import contextlib
import copy
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.openapi.walk import everything  # noqa: E402
from tests.support.node import ROOT, Node, Stage, finish  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
# What npm makes stays out of the sources.
TOOLS = ROOT / "build" / "openapi"


def install_tools():
    """The packages of package-lock.json, once: again only when it has changed."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package-lock.json").read_text()
    stamp = TOOLS / "installed"
    if not (stamp.exists() and stamp.read_text() == wanted):
        if shutil.which("npm") is None:
            raise SystemExit("npm is not installed: run deploy/bootstrap.")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, TOOLS)
        stamp.unlink(missing_ok=True)
        # Nothing that comes from elsewhere is run by its installation; what comes is what the lock file's digests name.
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=TOOLS, check=True)
        stamp.write_text(wanted)
    for script in ("check.mjs", "page.mjs", "redocly.yaml"):
        shutil.copy(HERE / script, TOOLS)


def run(*command: str) -> tuple:
    done = subprocess.run(command, cwd=TOOLS, capture_output=True, text=True, check=False,
                          env={**os.environ, "REDOCLY_TELEMETRY": "off", "CI": "1"})
    return done.returncode, done.stdout + done.stderr


def lint(document: dict, name: str) -> list:
    """What the linter complains of, errors and warnings."""
    (TOOLS / name).write_text(json.dumps(document))
    status, said = run("node_modules/.bin/redocly", "lint", "--config=redocly.yaml", "--format=json", name)
    problems = json.loads(said[said.index("{"):said.rindex("}") + 1])["problems"]
    assert (status == 0) == (not any(p["severity"] == "error" for p in problems)), said
    return [f"{p['ruleId']}: {p['message']} at {p['location'][0].get('pointer')}" for p in problems]


def compare(document: dict, exchanges: list, name: str) -> tuple:
    (TOOLS / name).write_text(json.dumps(document))
    (TOOLS / "exchanges.json").write_text(json.dumps(exchanges))
    return run("node", "check.mjs", name, "exchanges.json")


def damaged(document: dict, *changes) -> list:
    """A copy for each change."""
    out = []
    for change in changes:
        other = copy.deepcopy(document)
        change(other)
        out.append(other)
    return out


def fetch(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, (path, answer.status)
    connection.close()
    return text


@contextlib.contextmanager
def second_node(stage: Stage):
    """For what operators ask of several."""
    directory = stage.directory / "second"
    directory.mkdir()
    other = Node(directory, stage.postgres.url, "node.name=second")
    try:
        yield other.start()
    finally:
        if other.process and other.process.poll() is None:
            other.kill()


def main() -> int:
    install_tools()
    with Stage() as stage:
        document = json.loads(fetch(stage.node.port, "/openapi.json"))
        (TOOLS / "docs.html").write_text(fetch(stage.node.port, "/docs"))
        with second_node(stage):
            exchanges = everything(stage.node.port)

    problems = lint(document, "openapi.json")
    assert not problems, "\n".join(problems)
    hotels = "/v1/hotels"
    for other in damaged(document, lambda d: d["paths"][hotels]["get"].pop("operationId"),
                         lambda d: d["paths"][hotels]["get"]["responses"].pop("200"),
                         lambda d: d.pop("security"),
                         lambda d: d["paths"][hotels]["post"]["requestBody"]["content"]["application/json"]["example"].update(stars=9)):
        assert lint(other, "damaged.json"), "the linter did not see the damage"
    print("redocly's recommended rules: no error and no warning")

    status, said = compare(document, exchanges, "openapi.json")
    assert status == 0, said
    schemas = document["components"]["schemas"]
    assert schemas["Night"]["properties"]["free"], "what is damaged below must be there"
    for other in damaged(document, lambda d: d["components"]["schemas"]["Night"]["properties"].pop("free"),
                         lambda d: d["components"]["schemas"]["Hotel"]["required"].append("nothing"),
                         lambda d: d["paths"].pop("/healthz"),
                         lambda d: d["paths"][hotels]["post"]["responses"].pop("415")):
        assert compare(other, exchanges, "damaged.json")[0] == 1, "the comparison did not see the damage"
    print(said.strip())

    status, said = run("node", "page.mjs", "docs.html", "openapi.json")
    assert status == 0, said
    print("/docs shows every operation and loads nothing from elsewhere")
    return 11


if __name__ == "__main__":
    finish(main())
