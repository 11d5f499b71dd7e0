"""`hidamari cloud`: the command alone runs a service, as an operator starts it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import Command

WORDS = (sys.executable, "-m", "hidamari", "cloud", "--port", "0", "--json")


def test_the_command_alone_runs_a_service_and_tells_where(tmp_path: Path) -> None:
    words = (*WORDS, "--store", "sqlite:///cloud.db", "--data", str(tmp_path / "data"))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as service:
        assert service.stdout is not None
        try:
            ready = json.loads(service.stdout.readline())
            assert ready["ready"] is True
            with httpx.Client(trust_env=False, timeout=20.0) as browser:
                known = browser.get(f"{ready['url']}/.well-known/hidamari").json()
                assert known["kind"] == "cloud"
                assert browser.get(ready["mailbox"]).status_code == 200
        finally:
            service.send_signal(signal.SIGTERM)
        assert service.wait(20) == 0


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (("--public-url", "https://hems.example.jp"), "--mail smtp://... expected"),
        (("--mail", "smtp://127.0.0.1:25?from=hems@example.jp", "--mailbox"), "--mail without"),
    ],
)
def test_wishes_that_do_not_go_together_are_refused(
    command: Command, more: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    ended = command("cloud", "--port", "0", "--json", "--data", str(tmp_path / "data"), *more)
    assert ended.status != 0
    assert expected in ended.err
