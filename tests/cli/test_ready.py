"""What the command line says when a home is ready."""

import json

from hidamari.main import Ready

PRINT = "AB:CD:EF"


def test_the_first_password_comes_with_the_fingerprint_of_the_secure_door() -> None:
    ready = Ready("http://localhost:8600", "https://localhost:8643", PRINT, "owner", "word")
    lines = ready.words().splitlines()
    assert any("fingerprint" in line and line.endswith(PRINT) for line in lines)
    assert any("first sign-in" in line and "word" in line for line in lines)
    assert json.loads(ready.line())["door_sha256"] == PRINT


def test_without_a_secure_door_there_is_no_fingerprint() -> None:
    assert "fingerprint" not in Ready("http://localhost:8600", None, None, None, None).words()
