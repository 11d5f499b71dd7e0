"""The page of figures is what was measured, and a missed bar is not hidden."""

import json

from tests.tools.figures import KEPT, PAGE, PARTS, page


def test_the_page_shows_what_was_measured() -> None:
    assert PAGE.read_text() == page(json.loads(KEPT.read_text()))


def test_parts_that_are_there_are_benchmarks() -> None:
    assert set(json.loads(KEPT.read_text())) <= set(PARTS)


def test_a_missed_bar_is_not_hidden() -> None:
    row = {"value": 9, "unit": "s", "bar": "<= 1 s", "peer": None, "ratio": None, "ok": False}
    parts = {"home": {"measured": "2026-11-20", "figures": {"start": row}}}
    assert "| start | 9 s | <= 1 s (missed) |  |  |" in page(parts)
