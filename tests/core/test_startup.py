"""The start-up file: defaults, reported mistakes, and when starting is refused."""

from pathlib import Path

import pytest

from hidamari.core.errors import InputError
from hidamari.core.startup import Startup, read_startup

FULL = """
data_folder = "store"
port = 8700
interface = "eth0"
serial_port = "/dev/ttyUSB0"
cloud_url = "https://cloud.example.jp"
log_level = "debug"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "hidamari.toml"
    path.write_text(text)
    return path


def test_without_the_file_the_defaults_hold_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "hidamari.toml"
    assert read_startup(path) == (Startup(), [f"{path}: there is no such file, its defaults hold"])


def test_all_keys_are_read_and_the_data_folder_lies_beside_the_file(tmp_path: Path) -> None:
    found, problems = read_startup(write(tmp_path, FULL))
    assert problems == []
    assert found == Startup(
        data_folder=tmp_path / "store",
        port=8700,
        interface="eth0",
        serial_port="/dev/ttyUSB0",
        cloud_url="https://cloud.example.jp",
        log_level="debug",
    )


def test_an_empty_text_is_none(tmp_path: Path) -> None:
    found, problems = read_startup(write(tmp_path, 'interface = ""\ncloud_url = ""'))
    assert (found.interface, found.cloud_url, problems) == (None, None, [])


def test_an_absolute_data_folder_stays_where_it_is(tmp_path: Path) -> None:
    found, _ = read_startup(write(tmp_path, 'data_folder = "/srv/home"'))
    assert found.data_folder == Path("/srv/home")


@pytest.mark.t(3)
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("port = 70000", "hidamari.toml.port: a port from 1 to 65535, or 0 for any expected"),
        ("port = 86.5", "hidamari.toml.port: a port"),
        ('port = "eight"', "hidamari.toml.port: a number expected, got 'eight'"),
        ("interface = 3", "hidamari.toml.interface: a text expected, got 3"),
        ("serial_port = []", "hidamari.toml.serial_port: a text expected"),
        ('cloud_url = "cloud"', "hidamari.toml.cloud_url: an address such as https://"),
        ('cloud_url = "http://[::1"', "hidamari.toml.cloud_url: an address such as https://"),
        ('log_level = "loud"', "hidamari.toml.log_level: one of debug, info, warning, error"),
        ("prot = 8601", "hidamari.toml.prot: one of the keys cloud_ca, cloud_url, data_folder"),
    ],
)
def test_a_wrong_value_gets_its_default_and_is_told(
    tmp_path: Path, line: str, message: str
) -> None:
    found, problems = read_startup(write(tmp_path, f'data_folder = "store"\n{line}\n'))
    assert found == Startup(data_folder=tmp_path / "store")
    assert len(problems) == 1
    assert problems[0].startswith(message)


@pytest.mark.parametrize("text", ["data_folder = 3", "port = ", "\x00"])
def test_starting_is_refused_where_going_on_would_open_an_empty_house(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(InputError, match=r"hidamari\.toml"):
        read_startup(write(tmp_path, text))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hidamari.toml"
    path.write_bytes(b"port = 1 \xff")
    with pytest.raises(InputError, match="a TOML file expected"):
        read_startup(path)
