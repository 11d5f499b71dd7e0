"""The numbers of a graph as a file and as a sentence for those who cannot see it."""

import csv
import io

import pytest
from tests.e2e.browser import Browser
from tests.e2e.screens import Screen, show
from tests.e2e.server import FixtureHome

# What the page would save: the content and the name of its file.
CATCH = (
    "window.file = null; URL.createObjectURL = b => { window.content = b; return 'about:blank'; };"
    " HTMLAnchorElement.prototype.click = function () {"
    " window.file = window.content.text().then(text => ({name: this.download, text})); }; void 0"
)


def saved(page: Browser) -> tuple[str, list[list[str]]]:
    """Name and rows of the file behind the button."""
    page.run(CATCH)
    page.click_text("CSVで保存")
    page.wait("window.file !== null")
    file = page.run("window.file")
    return file["name"], list(csv.reader(io.StringIO(file["text"].lstrip("\ufeff"))))


@pytest.mark.parametrize(
    ("path", "name", "head", "rows"),
    [
        (
            "/history?view=cost&period=month",
            "hidamari-cost-2026-11-01.csv",
            ["start_utc", "買った電気代 円"],
            30,
        ),
        ("/meter/peaks", "hidamari-peaks.csv", ["month", "start_utc", "ピーク kWh", "kW"], 12),
        ("/meter/peaks/2026-04", "hidamari-peak-2026-04.csv", ["start_utc", "name", "kWh"], 13 + 7),
    ],
)
def test_a_graph_is_saved_as_a_table_of_plain_numbers(
    home: FixtureHome, page: Browser, path: str, name: str, head: list[str], rows: int
) -> None:
    page.look(820, 1180)
    show(home, page, Screen("graph", path), "full", "ja")
    if path.endswith("04"):  # two graphs: the peak's own comes last
        page.run("document.querySelectorAll('.row button')[1].remove()")
    found_name, found = saved(page)
    assert (found_name, found[0], len(found) - 1) == (name, head, rows)
    assert all(float(cell) >= 0 for row in found[1:] for cell in row[2:] if cell)


@pytest.mark.req("UI-03")
@pytest.mark.parametrize(
    ("path", "place", "said"),
    [
        ("/meter", 0, "今日これまでに"),
        ("/meter/peaks/2026-04", 1, "いちばん多い30分は19:00から"),
    ],
)
def test_a_graph_says_its_sums_to_those_who_cannot_see_it(
    home: FixtureHome, page: Browser, path: str, place: int, said: str
) -> None:
    show(home, page, Screen("graph", path), "full", "ja")
    graphs = "document.querySelectorAll('[role=img]')"
    page.wait(f"{graphs}.length > {place}")
    assert said in page.run(f"{graphs}[{place}].getAttribute('aria-label')")
