"""What a user installs: one wheel with the web app, words, plans and the demo's data in it."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatch_build import is_current
from tests.project.tree import ROOT, files

SRC = ROOT / "src"
MOST_BYTES = 3_000_000


@pytest.fixture(scope="module", autouse=True)
def _web_app_is_built() -> None:
    """The build hook would else build it now, under the feet of other tests."""
    assert is_current(ROOT), "the web app is older than its sources: run `make web`"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as pip builds it, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-build-isolation", "--no-index", str(ROOT)]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> frozenset[str]:
    with zipfile.ZipFile(wheel) as archive:
        return frozenset(archive.namelist())


def test_the_wheel_runs_on_any_machine(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    assert wheel.stat().st_size < MOST_BYTES


def test_every_file_of_the_package_is_in_it(names: frozenset[str]) -> None:
    wanted = {p.relative_to(SRC).as_posix() for p in files() if p.is_relative_to(SRC)}
    assert wanted - names == set()


def test_the_web_app_is_in_it_with_packed_twins(names: frozenset[str]) -> None:
    web = {name for name in names if name.startswith("hidamari/web/")}
    assert "hidamari/web/index.html" in web
    scripts = {name for name in web if name.endswith((".js", ".css"))}
    assert len(scripts) > 10
    assert {name for name in scripts if f"{name}.gz" not in web} == set()


def test_words_plans_and_data_are_in_it(names: frozenset[str]) -> None:
    for name in ("i18n/ja.json", "i18n/en.json", "sim/data/home_year.csv.gz", "py.typed"):
        assert f"hidamari/{name}" in names
    plans = [n for n in names if n.startswith("hidamari/core/tariffs/") and n.endswith(".toml")]
    assert len(plans) >= 25


def test_nothing_else_is_in_it(names: frozenset[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hidamari"}
    assert [name for name in names if "__pycache__" in name or name.endswith(".svelte")] == []


def test_licence_and_command_are_in_it(wheel: Path, names: frozenset[str]) -> None:
    info = next(name.split("/")[0] for name in names if ".dist-info/" in name)
    with zipfile.ZipFile(wheel) as archive:
        assert b"Apache License" in archive.read(f"{info}/licenses/LICENSE")
        assert b"hidamari.__main__:main" in archive.read(f"{info}/entry_points.txt")
        about = archive.read(f"{info}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in about
    assert "Requires-Python: >=3.11" in about


def test_an_unpacked_wheel_works_without_the_source(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    run = {"capture_output": True, "text": True, "check": False, "cwd": tmp_path, "env": env}
    look = "import hidamari.http.web_files as s; print(s.__file__); print(s.web_folder())"
    done = subprocess.run([sys.executable, "-c", look], **run)  # type: ignore[call-overload]
    assert done.stdout.splitlines() == [
        str(tmp_path / "hidamari/http/web_files.py"),
        str(tmp_path / "hidamari/web"),
    ]
    done = subprocess.run([sys.executable, "-m", "hidamari", "version"], **run)  # type: ignore[call-overload]
    assert done.returncode == 0
    assert done.stdout.strip() == wheel.name.split("-")[1]


def test_the_source_package_can_build_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist"]
    done = subprocess.run(
        [*command, "--directory", str(tmp_path)], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    for name in ("hatch_build.py", "ui/package.json", "ui/src/main.ts", "src/hidamari/cli.py"):
        assert name in names
