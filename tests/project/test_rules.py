"""T24: the source holds none of the shapes that become holes, by our own rules and by bandit."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from tests.project.rules import PACKAGE, ROOT, RULES, all_findings, findings

# Where a rule is broken on purpose, how often, and why.
ALLOWED = {
    ("only core.clock reads the clock", "core/clock.py"): 5,
    # the lock of a folder holds a process number: worthless after a crash
    ("only store.files writes files", "store/lock.py"): 1,
    # the ballast has no content
    ("only store.files writes files", "store/room.py"): 1,
    # the helper itself
    ("only store.files writes files", "store/files.py"): 1,
    # the mails of a demo, which nobody misses after a power cut
    ("only store.files writes files", "cloud/mail.py"): 1,
    # the simulated house is no history; it syncs by itself and knows no store
    ("only store.files writes files", "sim/keep.py"): 1,
    ("only supervise catches everything", "home/supervise.py"): 1,
}

# bandit's findings that were looked at: module and test number -> why it is no hole.
LOOKED_AT = {
    ("cli.py", "B104"): "ECHONET Lite is heard on every interface of the LAN unless told otherwise",
    ("home/start.py", "B104"): "the same default",
    ("echonet/udp.py", "B104"): "the same default",
    ("demo.py", "B404"): "the demo starts our own commands",
    ("plan/solver.py", "B404"): "the solver runs in a process of its own",
    ("plan/solver.py", "B603"): "a list of arguments, no shell, our own interpreter",
    ("home/night.py", "B311"): "which sealed day is looked at tonight is no secret",
    ("demo.py", "B603"): "a list of arguments, no shell, our own interpreter",
    ("api/setup.py", "B105"): "the name of a step of the set-up",
    ("home/guard.py", "B606"): "the same process becomes its watching parent, no shell",
}

BANDIT_PARTS = 4
NO_SOURCE = frozenset({"__pycache__", "web"})

EXAMPLES = {
    "no shell": [
        "subprocess.run(command, shell=True)",
        "subprocess.run(command, shell=is_easy)",
        "os.system('ls')",
    ],
    "no SQL from strings": [
        "db.execute(f'select * from {table}')",
        "db.execute('select * from ' + table)",
        "db.execute('select * from %s' % table)",
        "db.executemany('insert into {} values(?)'.format(table), rows)",
        "query = f'select {name} from event'",
        "query = f'{query} and kind = ?'",
    ],
    "no loader that trusts its input": [
        "import pickle",
        "from yaml import load",
        "import tarfile as t",
        "eval(text)",
    ],
    "only core.clock reads the clock": [
        "time.time()",
        "datetime.now(UTC)",
        "datetime.datetime.now()",
        "date.today()",
    ],
    "only store.files writes files": [
        "path.write_text('x')",
        "open('a', 'w')",
        "path.open('ab')",
        "path.open(mode='r+')",
        "os.open(path, os.O_WRONLY | os.O_CREAT)",
    ],
    "only supervise catches everything": [
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept (ValueError, Exception):\n    raise",
    ],
}
HARMLESS = [
    "subprocess.run(command, shell=False)",
    "db.execute('select v from kv where k = ?', (key,))",
    "path.open('rb')",
    "open('a')",
    "f'{name} is taken: choose another and try it where it is free'",
    "self.loop.time()",
    "clock.now()",
    "os.open(folder, os.O_RDONLY)",
    "re.compile('a')",
    "try:\n    f()\nexcept BaseException:\n    close()\n    raise",
]


@pytest.mark.t(24)
@pytest.mark.parametrize("rule", RULES)
def test_each_rule_finds_its_examples(rule: str) -> None:
    for source in EXAMPLES[rule]:
        assert rule in {found.rule for found in findings(source, "x.py")}, source


@pytest.mark.t(24)
@pytest.mark.parametrize("source", HARMLESS)
def test_harmless_lines_are_left_in_peace(source: str) -> None:
    assert list(findings(source, "x.py")) == []


@pytest.mark.t(24)
def test_the_package_breaks_no_rule_but_where_it_is_said_why() -> None:
    found = Counter((one.rule, one.module) for one in all_findings())
    lines = {(one.rule, one.module): one.line for one in all_findings()}
    wrong = [f"{place}: line {lines[place]}" for place in found if place not in ALLOWED]
    assert wrong == []
    assert {place: found.get(place, 0) for place in ALLOWED} == ALLOWED


@pytest.mark.t(24)
@pytest.mark.parametrize("part", range(BANDIT_PARTS))
def test_bandit_has_no_open_finding(part: int) -> None:
    """In parts, so that several processors can look at once."""
    places = sorted(place for place in PACKAGE.iterdir() if place.name not in NO_SOURCE)
    mine = places[part::BANDIT_PARTS]
    command = [sys.executable, "-m", "bandit", "-q", "-r", *map(str, mine), "-f", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["errors"] == []
    found = {
        (one["filename"].split("/hidamari/", 1)[1], one["test_id"]): one["line_number"]
        for one in report["results"]
    }
    assert {place: line for place, line in found.items() if place not in LOOKED_AT} == {}
    known = {place for place in LOOKED_AT if place[0].split("/")[0] in {one.name for one in mine}}
    assert known <= set(found), "a finding is gone: take its line out of the table"
