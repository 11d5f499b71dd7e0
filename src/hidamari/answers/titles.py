"""What series and other things are called, from the dictionaries."""

from collections.abc import Mapping

from hidamari.core.reading import SeriesKey
from hidamari.core.words import known


def series_title(key: SeriesKey, names: Mapping[str, str], lang: str) -> str:
    """The name of a series: of the home, or of a device or circuit with its name before."""
    own = known(lang, f"series.{key.name}") or known(lang, f"prop.{key.name}")
    words = own or key.name.replace("_", " ")
    if key.device == "home":
        return words
    return f"{names.get(key.device, key.device)} {words}"
