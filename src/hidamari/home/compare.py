"""Two sources of one quantity that disagree over a day: one of them measures wrongly."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hidamari.core.reading import SeriesKey
from hidamari.home.house import House
from hidamari.home.live import kilo
from hidamari.home.sources import PARTS, Choice, Quantity, Source
from hidamari.store.pack import FloatArray

MOST_KWH = 0.5  # architecture, section 13: more than 5 % and 0.5 kWh on a day
MOST_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """What two sources (device or circuit ids) counted of a quantity on one day [kWh]."""

    quantity: Quantity
    used: tuple[str, ...]
    other: tuple[str, ...]
    used_kwh: float
    other_kwh: float

    @property
    def kwh(self) -> float:
        """How far they are apart."""
        return abs(self.used_kwh - self.other_kwh)

    @property
    def pct(self) -> float:
        """The same as a share of the larger."""
        return 100.0 * self.kwh / max(self.used_kwh, self.other_kwh)

    @property
    def is_large(self) -> bool:
        """Whether somebody should know."""
        return self.kwh > MOST_KWH and self.pct > 100.0 * MOST_SHARE


@dataclass(frozen=True, slots=True)
class Pair:
    """Two ways to measure the same thing, each the sum of some sources."""

    quantity: Quantity
    used: tuple[Source, ...]
    other: tuple[Source, ...]


def pairs(house: House) -> list[Pair]:
    """What can be compared: for each measured thing the used sources with each other way."""
    found: list[Pair] = []
    energy = house.choices.get("energy")
    if energy is not None and energy.used:
        found += [Pair("energy", energy.used, (other,)) for other in _of_other_kinds(house, energy)]
    for quantity in PARTS:
        choice = house.choices.get(quantity)
        for group in _by_device(house, choice.offered if choice else ()):
            own = tuple(source for source in group if not source.is_circuit)
            fed = tuple(source for source in group if source.is_circuit)
            if own and fed:
                is_own = own[0] in house.used(quantity)
                found.append(Pair(quantity, own if is_own else fed, fed if is_own else own))
    return [pair for pair in found if all(source.power for source in (*pair.used, *pair.other))]


def keys(found: Iterable[Pair]) -> list[SeriesKey]:
    """The series that these pairs are compared by."""
    sources = [source for pair in found for source in (*pair.used, *pair.other)]
    return list(dict.fromkeys(_key(source) for source in sources))


def compare(pair: Pair, columns: Mapping[SeriesKey, FloatArray]) -> Difference:
    """What both counted in the half-hours that both know, the direction in which they differ more.

    `columns`: kWh of each half-hour of the day by series, NaN = missing.
    """
    used, other = _sum(pair.used, columns), _sum(pair.other, columns)
    both = ~np.isnan(used) & ~np.isnan(other)
    found = [
        Difference(
            pair.quantity,
            tuple(source.device for source in pair.used),
            tuple(source.device for source in pair.other),
            float(np.maximum(0.0, sign * used[both]).sum()),
            float(np.maximum(0.0, sign * other[both]).sum()),
        )
        for sign in (1, -1)
    ]
    return max(found, key=lambda difference: difference.kwh)


def _of_other_kinds(house: House, energy: Choice) -> list[Source]:
    """The board beside the meter; two meters, or two boards, measure different things."""
    first: dict[str, Source] = {}
    for source in (*energy.used, *energy.offered):
        first.setdefault(house.devices[source.device].binding.kind, source)
    return [source for source in first.values() if source not in energy.used]


def _sum(sources: Iterable[Source], columns: Mapping[SeriesKey, FloatArray]) -> FloatArray:
    parts = [columns[_key(source)] * source.sign for source in sources]
    whole: FloatArray = np.sum(parts, axis=0)
    return whole


def _key(source: Source) -> SeriesKey:
    return SeriesKey(source.device, source.power if source.is_circuit else kilo(source.power)[0])


def _by_device(house: House, offered: Iterable[Source]) -> list[list[Source]]:
    groups: dict[str, list[Source]] = {}
    for source in offered:
        fed = house.circuits[source.device].device if source.is_circuit else source.device
        groups.setdefault(fed, []).append(source)
    return list(groups.values())
