"""What a home process does not load."""

import subprocess
import sys

import pytest

# What belongs to the server service, to tests, and to a start that nobody waits for.
FOREIGN = {"sqlalchemy", "aiosqlite", "asyncpg", "alembic", "httpx", "pytest", "hidamari.cloud"}
SCRIPT = "import sys, hidamari.cli, hidamari.main; print(*sys.modules)"


@pytest.mark.t(26)
def test_a_home_loads_nothing_of_the_service_and_no_second_web_library() -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert FOREIGN & set(ran.stdout.split()) == set()


def test_nothing_of_the_home_imports_a_database_toolkit_later_either() -> None:
    script = (
        "import pkgutil, sys, importlib\n"
        "import hidamari.home, hidamari.api, hidamari.store, hidamari.plan, hidamari.forecast\n"
        "for part in (hidamari.home, hidamari.api, hidamari.store, hidamari.plan,"
        " hidamari.forecast):\n"
        "    for one in pkgutil.walk_packages(part.__path__, part.__name__ + '.'):\n"
        "        importlib.import_module(one.name)\n"
        "print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"sqlalchemy", "alembic"} & set(ran.stdout.split()) == set()
