"""From samples to minutes: the mean of a power, the last of everything else, gaps where silent."""

from dataclasses import dataclass

from hidamari.core.reading import Kind, SeriesKey

HELD_S = 90.0  # a value asked every 30 to 60 s stands for the minutes between two answers


@dataclass(slots=True)
class _Track:
    kind: Kind
    held_s: float
    sum: float = 0.0
    count: int = 0
    last: float | None = None
    last_s: float = -1e9


class Samples:
    """Everything measured since the last minute ended."""

    def __init__(self) -> None:
        self._tracks: dict[SeriesKey, _Track] = {}

    def follow(self, key: SeriesKey, kind: Kind, every_s: float = 0.0) -> None:
        """Prepare a series; a slow one is held for two of its turns."""
        if key not in self._tracks:
            self._tracks[key] = _Track(kind, max(HELD_S, 2.0 * every_s))

    def add(self, key: SeriesKey, value: float | None, now_s: float) -> None:
        """One sample; `None` ends the last value, it is not held on."""
        track = self._tracks[key]
        track.last, track.last_s = value, now_s
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
            if track.count
        }

    def end_minute(self, now_s: float) -> dict[SeriesKey, float | None]:
        """The values of the minute that ends now; what gave nothing is missing."""
        values: dict[SeriesKey, float | None] = {}
        for key, track in self._tracks.items():
            held = track.last if now_s - track.last_s <= track.held_s else None
            if track.kind is Kind.POWER and track.count:
                values[key] = track.sum / track.count
            else:
                values[key] = held
            track.sum, track.count = 0.0, 0
        return values
