"""Asks the package index which wheel a 64-bit Arm machine gets for each locked dependency.

`python -m tests.tools.arm64` writes tests/data/arm64_wheels.json: name, version, wheel, sha256.
Run it after `make lock`. The tests compare the table with the lock and need no network.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
TABLE = ROOT / "tests/data/arm64_wheels.json"
# Debian 12 and Raspberry Pi OS 12: glibc 2.36 and Python 3.11. Oldest first; pip takes the best.
PYTHON = "3.11"
GLIBC_MINORS = range(17, 37)
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def locked(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Name -> version and allowed sha256 of every pin of a lock file."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", path.read_text()):
        pin = PIN.match(block)
        if pin:
            found[plain(pin[1])] = (pin[2], frozenset(HASH.findall(block)))
    return found


def plain(name: str) -> str:
    """A distribution name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def ask() -> list[dict[str, str]]:
    """One row per pin, from pip's own report of what it would install there."""
    platforms = ["manylinux2014_aarch64", *(f"manylinux_2_{n}_aarch64" for n in GLIBC_MINORS)]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--quiet", "--no-deps", "--only-binary=:all:", "--python-version", PYTHON]
    command += ["--implementation", "cp", "--target", "nowhere", "--report", "-"]
    for platform in platforms:
        command += ["--platform", platform]
    command += [f"{name}=={version}" for name, (version, _) in locked(LOCK).items()]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    rows = []
    for one in report["install"]:
        info = one["download_info"]
        rows.append(
            {
                "name": plain(one["metadata"]["name"]),
                "version": one["metadata"]["version"],
                "wheel": info["url"].rsplit("/", 1)[-1],
                "sha256": info["archive_info"]["hashes"]["sha256"],
            }
        )
    return sorted(rows, key=lambda row: row["name"])


if __name__ == "__main__":
    table = {"python": PYTHON, "platform": "linux aarch64, glibc 2.36", "wheels": ask()}
    TABLE.write_text(json.dumps(table, indent=1) + "\n")
    print(f"{TABLE.relative_to(ROOT)}: {len(table['wheels'])} wheels")
