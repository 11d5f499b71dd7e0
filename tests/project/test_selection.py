"""`make test REQ=` and `T=` leave files out unread: none of them may hold what was asked for."""

import re
from pathlib import Path

from tests.conftest import is_marked
from tests.project.tree import ROOT

ROW = re.compile(r"^\| ([A-Z]+-?\d+\w*) \| (.+) \|$", re.MULTILINE)


def test_a_file_with_a_proof_is_always_read() -> None:
    rows = ROW.findall((ROOT / "docs/coverage.md").read_text())
    assert len(rows) > 100
    for key, proofs in rows:
        mark, value = ("t", key[1:]) if re.fullmatch(r"T\d+", key) else ("req", f'"{key}"')
        for name in {proof.strip("`").split("::")[0] for proof in proofs.split("<br>")}:
            assert is_marked(Path(ROOT, name).read_text(), mark, value), (key, name)
