"""What must hold of a whole home whatever is thrown at it: nothing lost, moved or made up."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
from tests.whole.street import Street, stored_kwh

from hidamari.core.reading import SeriesKey

BUS = ("pv_kw", "grid_kw", "battery_kw", "ev_kw", "heater_kw", "load_kw", "use_kw")
KEYS = [SeriesKey("home", name) for name in BUS]
COUNTED = {
    "pv_kw": "solar",
    "charge_kw": "battery",
    "discharge_kw": "battery",
    "ev_charge_kw": "v2h",
    "ev_discharge_kw": "v2h",
}
METERED = ("import_kw", "export_kw")
# What one quantity depends on alone, so that its silence must make it unknown.
ALONE = {"pv_kw": "solar", "battery_kw": "battery", "ev_kw": "v2h"}
USUAL_S = 10
# Where a meter is replaced, the half-hour around it is known from power samples alone: five minutes
# apart they tell its energy to some per cent.
SELDOM_ASKED = 0.01
DEAF_S = 300.0  # silent for longer than any value is held


class Judge:
    """Looks at one home while it lives, and at its history at the end (B1, B5)."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self.broken: list[str] = []
        self.known: dict[datetime, np.ndarray] = {}  # minutes that somebody has seen
        self.resets = 0  # of the smart meter

    def look(self, gone: Mapping[str, float]) -> None:
        """The two identities, and no number for what is silent; `gone`: device -> since when."""
        home = self.street.home
        if home is None:
            return
        now_s = home.clock.monotonic_s()
        flow, _ = home.house.flow(now_s)
        deaf_s = max(DEAF_S, 2 * self.street.live_s + 60.0)
        for name, key in ALONE.items():
            silent_s = now_s - gone.get(key, now_s)
            if silent_s > deaf_s and getattr(flow, name) is not None:
                self.broken.append(f"{name} is {getattr(flow, name)} though {key} is away")
        if flow.use_kw is None:
            return
        parts = (flow.load_kw, flow.battery_kw, flow.ev_kw, flow.heater_kw)
        own = sum(parts) - flow.pv_kw - flow.gen_kw
        use = flow.load_kw + flow.heater_kw + max(flow.ev_kw, 0.0)
        if abs(flow.grid_kw - own) > 0.01 or abs(flow.use_kw - use) > 0.01:
            self.broken.append(f"the identities do not hold: {flow}")

    def remember(self, minutes: int) -> None:
        """Somebody looks at the last minutes: they must be there for ever."""
        home = self.street.home
        if home is None or not home.clock.is_known:
            return
        end = self.street.clock.true().replace(second=0, microsecond=0)
        start = end - timedelta(minutes=minutes)
        for row, values in enumerate(home.store.minutes(KEYS, start, end)):
            at = start + timedelta(minutes=row)
            self._same_as_seen(at, values)
            self.known[at] = values

    def check(self, first: datetime, slots: int) -> list[str]:
        """All that is wrong at the end."""
        store = self.street.home.store
        since, until = min(self.known), max(self.known)
        for day in range((until - since).days + 1):
            start = since + timedelta(days=day)
            for row, values in enumerate(store.minutes(KEYS, start, start + timedelta(days=1))):
                self._same_as_seen(start + timedelta(minutes=row), values)
        here = {device.key for device in self.street.devices}
        for name in (*(name for name, key in COUNTED.items() if key in here), *METERED):
            self._check_series(name, first, slots)
        use = store.minutes(KEYS, first, first + timedelta(minutes=30 * slots))[:, -1]
        if (use < 0).any():
            self.broken.append("use below zero")
        return self.broken

    def _same_as_seen(self, at: datetime, values: np.ndarray) -> None:
        seen = self.known.get(at)
        if seen is not None and not np.array_equal(values[~np.isnan(seen)], seen[~np.isnan(seen)]):
            self.broken.append(f"the minute {at} was seen as {seen}, is {values}")

    def _check_series(self, name: str, first: datetime, slots: int) -> None:
        did = self.street.did_kwh(first, slots)[name]
        has, _ = stored_kwh(self.street.home.store, name, first, slots)
        is_metered = name in METERED
        # A new meter proves itself with three readings that rise, which are not counted.
        lost_kwh = self.resets * 0.5 if is_metered else 0.0
        slack_kwh = 0.01 * max(1.0, slots / 48) + 0.01 * is_metered
        if is_metered and self.street.live_s > USUAL_S:
            slack_kwh += SELDOM_ASKED * did.sum()
        off_kwh = np.nansum(has) - did.sum()
        if off_kwh > slack_kwh or off_kwh < -slack_kwh - lost_kwh:
            self.broken.append(f"{name}: did {did.sum():.3f}, stored {np.nansum(has):.3f}")
        if np.nanmax(has) > did.max() * 1.5 + 0.3 or np.nanmin(has) < 0:
            self.broken.append(f"{name}: a spike of {np.nanmax(has):.3f}, at most {did.max():.3f}")
        if is_metered and np.isnan(has).any():
            self.broken.append(f"{name}: {np.isnan(has).sum()} half-hours are missing")
