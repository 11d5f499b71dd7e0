"""The generated list of devices is current."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_device_list_is_what_the_lines_say() -> None:
    path = ROOT / "tests" / "tools" / "device_list.py"
    spec = importlib.util.spec_from_file_location("device_list", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    listed = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    assert tool.document() == listed, "run: python tests/tools/device_list.py > docs/devices.md"
