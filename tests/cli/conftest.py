"""The command line in this process: starting another one takes longer than what is asked of it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from hidamari.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`hidamari` with these words, as its shell would see it."""

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["hidamari", *words])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return run
