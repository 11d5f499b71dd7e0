"""From samples to minutes: the mean of a power, the last of everything else, gaps where silent."""

from dataclasses import dataclass

from hidamari.core.reading import Kind, SeriesKey

HELD_S = 90.0  # a value asked every 30 to 60 s stands for the minutes between two answers


@dataclass(slots=True)
class _Track:
    kind: Kind
    sum: float = 0.0
    count: int = 0
    last: float | None = None
    held_until_s: float = -1e9


class Samples:
    """Everything measured since the last minute ended."""

    def __init__(self) -> None:
        self._tracks: dict[SeriesKey, _Track] = {}

    def follow(self, key: SeriesKey, kind: Kind) -> None:
        """Prepare a series."""
        if key not in self._tracks:
            self._tracks[key] = _Track(kind)

    def add(
        self, key: SeriesKey, value: float | None, now_s: float, held_s: float = HELD_S
    ) -> None:
        """One sample that stands for `held_s`; `None` ends the last value, it is not held on."""
        track = self._tracks[key]
        track.last, track.held_until_s = value, now_s + held_s
        if value is not None:
            track.sum += value
            track.count += 1

    def has_any(self) -> bool:
        """Whether this minute has given anything yet."""
        return any(track.count for track in self._tracks.values())

    def so_far(self) -> dict[SeriesKey, float | None]:
        """What this minute has given until now, without ending it."""
        return {
            key: track.sum / track.count if track.kind is Kind.POWER else track.last
            for key, track in self._tracks.items()
            if track.count and (track.kind is Kind.POWER or track.last is not None)
        }

    def end_minute(self, now_s: float) -> dict[SeriesKey, float | None]:
        """The values of the minute that ends now; what gave nothing is missing.

        A counter is never held: each stored one was read in its minute, so that counting can go
        on from there after a restart.
        """
        values: dict[SeriesKey, float | None] = {}
        for key, track in self._tracks.items():
            is_held = now_s <= track.held_until_s and track.kind is not Kind.COUNTER
            if track.kind is Kind.POWER and track.count:
                values[key] = track.sum / track.count
            else:
                values[key] = track.last if track.count or is_held else None
            track.sum, track.count = 0.0, 0
        return values
