"""The addresses of a command line: one plain line where one of them is none."""

import subprocess
import sys

import pytest

from hidamari.core.errors import InputError
from hidamari.home.start import probes


@pytest.mark.parametrize("command", ["devices", "home"])
def test_a_wrong_address_to_ask_is_one_line_and_status_2(command: str) -> None:
    words = [sys.executable, "-m", "hidamari", command, "--probe", "foo"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("hidamari: --probe: IPv4 addresses such as")
    assert "'foo'" in line


def test_addresses_are_separated_by_commas() -> None:
    assert probes("") == ()
    assert probes("192.168.1.31, 192.168.1.32,") == ("192.168.1.31", "192.168.1.32")
    with pytest.raises(InputError, match=r"'192\.168\.1\.256'"):
        probes("192.168.1.31,192.168.1.256")


def test_help_whose_reader_has_left_is_not_taken_for_a_home_that_crashed() -> None:
    words = [sys.executable, "-m", "hidamari", "home", "--help"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as help_text:
        assert help_text.stdout is not None
        assert help_text.stderr is not None
        help_text.stdout.close()
        assert b"starting it again" not in help_text.stderr.read()
