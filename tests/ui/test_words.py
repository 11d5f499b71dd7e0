"""One dictionary in two languages, and no text of a screen outside it."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
I18N = ROOT / "src/hidamari/i18n"
SOURCE = ROOT / "ui/src"
JAPANESE = re.compile(r"[぀-ヿ一-鿿ｦ-ﾟ]")
PLACE = re.compile(r"\{(\w+)\}")
# Names of units and of the product are the same in every language.
SAME = {"kW", "kWh", "kVA", "EPC", "W", "Hidamari"}
SPACES = {"nbsp", "thinsp", "ensp"}


def words(lang: str) -> dict[str, str]:
    """Texts by `section.key`."""
    tree = json.loads((I18N / f"{lang}.json").read_text(encoding="utf-8"))
    return {f"{s}.{k}": text for s, keys in tree.items() for k, text in keys.items()}


def components() -> list[Path]:
    return sorted(SOURCE.rglob("*.svelte"))


def markup(path: Path) -> str:
    """A component without its script, style and comments."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"<script.*?</script>|<style.*?</style>|<!--.*?-->", "", text, flags=re.S)


def without_code(text: str) -> str:
    """Markup with every {...}, however deep, taken out."""
    depth, left = 0, []
    for char in text:
        depth += (char == "{") - (char == "}" and depth > 0)
        left.append(" " if depth or char == "}" else char)
    return "".join(left)


def test_both_languages_have_the_same_keys() -> None:
    assert words("ja").keys() == words("en").keys()


def test_both_languages_leave_the_same_places_for_numbers() -> None:
    ja, en = words("ja"), words("en")
    differ = [k for k in ja if set(PLACE.findall(ja[k])) != set(PLACE.findall(en[k]))]
    assert differ == []


def test_no_text_is_empty_or_japanese_in_english() -> None:
    assert [k for k, text in words("ja").items() if not text.strip()] == []
    english = {k: t for k, t in words("en").items() if k != "settings.lang_ja"}
    assert [k for k, text in english.items() if not text.strip() or JAPANESE.search(text)] == []


@pytest.mark.parametrize("path", components(), ids=lambda p: p.name)
def test_no_component_holds_words_of_its_own(path: Path) -> None:
    code = path.read_text(encoding="utf-8")
    spoken = [
        line for line in code.splitlines() if JAPANESE.search(line) and ".replace('月'" not in line
    ]
    assert spoken == []
    # What stands between tags, outside of {...}.
    bare = without_code(markup(path))
    between = " ".join(re.findall(r">([^<>]+)<", f">{bare}<"))
    assert {w for w in re.findall(r"[A-Za-z]{2,}", between)} - SAME - {
        "nbsp",
        "thinsp",
        "ensp",
    } == set()


@pytest.mark.parametrize("path", components(), ids=lambda p: p.name)
def test_no_attribute_that_is_read_out_holds_words_of_its_own(path: Path) -> None:
    found = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"{]*)"', markup(path))
    assert [text for text in found if re.search(r"[A-Za-z]{2,}", text)] == []


def test_every_key_a_screen_uses_is_in_the_dictionary() -> None:
    known = words("ja")
    used = set()
    for path in [*components(), *SOURCE.rglob("*.ts")]:
        used |= set(re.findall(r"\bt\('([a-z]+\.\w+)'", path.read_text(encoding="utf-8")))
    assert used - known.keys() == set()
    assert len(used) > 200


def test_every_event_that_the_home_keeps_has_words() -> None:
    noted = re.compile(
        r"(?:\bnote\(\s*(?:\"\w+\"|kind|[^,()]*),\s*|note_rarely\(|Cause\(|notices\.end\([^\"]*)"
        r"\"(\w+)\"|notices\.end\(Cause\([^)]*\), \"(\w+)\""
    )
    folders = [ROOT / "src/hidamari/home", ROOT / "src/hidamari/api"]
    texts = [p.read_text(encoding="utf-8") for folder in folders for p in folder.glob("*.py")]
    codes = {code for text in texts for pair in noted.findall(text) for code in pair if code}
    # These two are worded by the plan's own words.
    missing = {c for c in codes if f"events.{c}" not in words("ja")} - {"plan_rung", "weather"}
    assert len(codes) > 20
    assert missing == set()
