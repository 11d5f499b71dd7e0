"""What the home says of its own troubles: each cause once, and once when it is over."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from hidamari.home.app import PART_FAILS, Home
from hidamari.home.notices import Cause, Kind
from hidamari.home.silence import Silences
from hidamari.home.timekeeper import Outcome
from hidamari.store.counters import Verdict
from hidamari.store.room import WARN_PCT

logger = logging.getLogger(__name__)

CLOCK_NOTICE_S = 300.0  # a clock further off than this is a notice (reliability F10)
OFF_AT_LEAST = timedelta(minutes=3)  # a shorter pause is a restart, not a power cut
CALM_PCT = WARN_PCT - 5.0  # so full at most that the warning is over


class Health:
    """Looks once a minute, and is told of what happens in between."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._silences = Silences(home.notices)
        self._damaged = home.store.damaged
        self._off_s: float | None = None  # by how much the machine's clock was off last

    def began(self) -> None:
        """At the start: what the store and the clock have to say of the time before."""
        home = self._home
        if self._damaged is not None:
            home.note("error", "store_damaged", {"file": self._damaged.name})
        if home.store.settings_mended:
            home.note("error", "settings_from_copy", {})
        home.notices.forget(PART_FAILS)
        if not home.clock.is_known:
            home.notices.begin("notice", Cause("time_unknown"))
            return
        home.notices.end(Cause("time_unknown"), "time_found")
        last, now = home.last_stored, home.clock.now()
        if last is not None and now - last >= OFF_AT_LEAST:
            minutes = round((now - last) / timedelta(minutes=1))
            home.note("log", "was_off", {"since": last.isoformat(), "minutes": minutes})

    def look(self) -> None:
        """Once a minute."""
        home = self._home
        devices, now_s = home.house.present(), home.clock.monotonic_s()
        self._silences.look(devices, home.started_s, now_s)
        self._doubts()
        self._room()
        home.store_waiting_events()

    def time_moved(self, outcome: Outcome) -> None:
        """The clock was set, found, or found wrong."""
        home, by_s = self._home, round(outcome.moved_s, 1)
        if outcome.found:
            home.notices.end(Cause("time_unknown", data={"moved_s": by_s}), "time_found")
        elif by_s:
            home.note(_weight(by_s), "clock_set", {"by_s": by_s})
        off_s = outcome.keeper.off_s
        if off_s == self._off_s:
            return
        self._off_s = off_s
        if off_s:
            kind = _weight(off_s)
            cause = Cause("clock_off", what=kind, data={"off_s": round(off_s, 1)})
            home.notices.begin(kind, cause)
            return
        for kind in ("notice", "log"):
            home.notices.end(Cause("clock_off", what=kind), "clock_right")

    def store_failed(self, code: str, data: Mapping[str, object]) -> None:
        """Something was not written."""
        self._home.notices.begin("error", Cause(code, data=data))

    def store_works(self) -> None:
        """A minute is on the disk."""
        self._home.notices.end(Cause("disk_full"), "disk_has_room")
        self._home.notices.end(Cause("store_fails"), "store_works")

    def _doubts(self) -> None:
        """Counters that began anew or told of more than can flow: one event for each device."""
        home, counting = self._home, self._home.recorder.counting
        doubts, counting.doubts = counting.doubts, []
        told: dict[tuple[str, Verdict], list[str]] = {}
        for doubt in doubts:
            device = counting.meters[doubt.key].live.binding.id
            name = f"{doubt.key.device}.{doubt.key.name}"
            told.setdefault((device, doubt.verdict), []).append(name)
        for (device, verdict), names in told.items():
            data: dict[str, object] = {"series": names}
            cause = Cause("counter_doubted", device, data=data)
            if verdict is Verdict.QUARANTINED:
                home.notices.begin("notice", cause)
                continue
            if verdict is Verdict.REPLACED:
                home.note("notice", "counter_replaced", data, device)
            home.notices.end(cause, "counter_believed")

    def _room(self) -> None:
        """Warn before the disk is full (reliability rule 2.4); tell of a store that broke."""
        home = self._home
        try:
            room = home.store.room()
        except OSError as error:
            logger.warning("how full the disk is cannot be read: %s", error)
            return
        if room.used_pct >= WARN_PCT:
            data = {"used_pct": round(room.used_pct), "free_bytes": room.free_bytes}
            home.notices.begin("notice", Cause("disk_tight", data=data))
        elif room.used_pct < CALM_PCT:
            home.notices.end(Cause("disk_tight"), "disk_has_room")
        damaged = home.store.damaged
        if damaged is not None and damaged != self._damaged:
            self._damaged = damaged
            home.note("error", "store_damaged", {"file": damaged.name})
            home.inventory.touch(anew=True)


def _weight(by_s: float) -> Kind:
    return "notice" if abs(by_s) > CLOCK_NOTICE_S else "log"
