"""A stationary battery or a car in the program: energy in, energy out, energy kept."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.battery import Battery
from hidamari.plan.bus import Bus, violating_steps
from hidamari.plan.horizon import AssetPlan, Horizon, Term
from hidamari.plan.lp import INF, Columns, Lp, Rows, Solution
from hidamari.plan.parts.part import Part
from hidamari.plan.value import EndValue, battery_end

FloatArray = NDArray[np.float64]

SHORT_YEN_KWH = 200.0  # a car that leaves with less than wished


@dataclass(frozen=True, slots=True)
class Taper:
    """Charging slows when nearly full: charge_kw <= most_kw - slope_kw_kwh * stored kWh."""

    most_kw: float
    slope_kw_kwh: float


@dataclass(frozen=True, slots=True)
class Trip:
    """A drive: leaves at the start of step `leave`, is back from step `back` on.

    `need_kwh` is wished for at departure, `use_kwh` is gone at return. A trip that began before
    now has leave = 0 and need 0; one that does not end in the horizon has back = step count.
    """

    leave: int
    back: int
    need_kwh: float
    use_kwh: float


@dataclass(frozen=True, slots=True)
class Storage:
    """A battery (no trips) or a car; one-way charging has discharge_kw = 0."""

    key: str
    battery: Battery
    stored_kwh: float
    wear_yen_kwh: float = 0.05
    end: EndValue | None = None
    end_at_least_kwh: float = 0.0
    tapers: tuple[Taper, ...] = ()
    trips: tuple[Trip, ...] = ()

    @property
    def shape(self) -> tuple[object, ...]:
        """Efficiencies and taper slopes stand in the matrix, trips make rows."""
        trips = tuple((trip.leave, trip.back) for trip in self.trips)
        gains = (self.battery.charge_efficiency, self.battery.discharge_efficiency)
        return ("storage", self.key, gains, self.tapers, trips)

    def build(self, bus: Bus, horizon: Horizon) -> "StoragePart":
        """Charge, discharge and stored energy per step."""
        lp, count = bus.lp, horizon.count
        takes, gives, level = lp.columns(count), lp.columns(count), lp.columns(count)
        first = lp.columns(1)
        bus.draw(takes)
        bus.draw(gives, -1.0)
        flow = lp.rows(count, 0.0, 0.0)
        lp.put(flow.at, level.at, 1.0)
        lp.put(flow.at[1:], level.at[:-1], -1.0)
        lp.put(flow.at, takes.at, -self.battery.charge_efficiency)
        lp.put(flow.at, gives.at, 1.0 / self.battery.discharge_efficiency)
        split = lp.rows(1, -INF, 0.0)  # the first part of what is left is at most all of it
        lp.put(split.at, first.at, 1.0)
        lp.put(split.at, level.at[-1:], -1.0)
        part = StoragePart(self, takes, gives, level, first, flow)
        for taper in self.tapers:
            rows = lp.rows(count, -INF, taper.most_kw * horizon.step_h)
            lp.put(rows.at, takes.at, 1.0)
            lp.put(rows.at[1:], level.at[:-1], taper.slope_kw_kwh * horizon.step_h[1:])
            part.taper_rows.append(rows)
        self._build_trips(part, lp)
        self._build_directions(part, lp, horizon)
        self.renew(part, lp, horizon)
        return part

    def renew(self, part: Part, lp: Lp, horizon: Horizon) -> None:
        """Present charge, limits, trips and end value."""
        if not isinstance(part, StoragePart):
            raise TypeError(f"{self.key}: a storage part expected")
        part.asset = self
        battery = self.battery
        here = self._is_home(horizon)
        lp.set_bounds(part.takes, 0.0, battery.charge_kw * horizon.step_h * here)
        lp.set_bounds(part.gives, 0.0, battery.discharge_kw * horizon.step_h * here)
        lp.set_cost(part.takes, self.wear_yen_kwh)
        lp.set_cost(part.gives, self.wear_yen_kwh)
        stored = min(max(self.stored_kwh, 0.0), battery.capacity_kwh)
        right = np.zeros(horizon.count)
        right[0] = stored
        for trip in self.trips:
            if trip.back < horizon.count:
                right[trip.back] -= trip.use_kwh
        lp.set_rows(part.flow, right, right)
        lp.set_bounds(part.level, self._floor_kwh(horizon, here, stored), battery.capacity_kwh)
        end = self.end or battery_end(horizon, battery)
        part.end = end
        lp.set_bounds(part.first, 0.0, end.first_kwh)
        lp.set_cost(part.first, -(end.first_yen_kwh - end.rest_yen_kwh))
        worth = np.zeros(horizon.count)
        worth[-1] = -end.rest_yen_kwh
        lp.set_cost(part.level, worth)
        self._renew_limits(part, lp, horizon, stored)

    def _renew_limits(self, part: "StoragePart", lp: Lp, horizon: Horizon, stored: float) -> None:
        for taper, rows in zip(self.tapers, part.taper_rows, strict=True):
            most = taper.most_kw * horizon.step_h
            most[0] -= taper.slope_kw_kwh * stored * horizon.step_h[0]
            lp.set_rows(rows, -INF, np.maximum(most, 0.0))
        if part.short is not None and part.need_rows is not None:
            needs = [trip.need_kwh for trip in self.trips]
            start = [stored if trip.leave == 0 else 0.0 for trip in self.trips]
            lp.set_rows(part.need_rows, np.minimum(needs, self.battery.capacity_kwh) - start, INF)

    def _floor_kwh(self, horizon: Horizon, here: FloatArray, stored_kwh: float) -> FloatArray:
        """The reserve, as soon as it can be reached; while away and after it, nothing.

        A battery found below its reserve climbs as fast as it may; bounds instead of slack keep
        the program small.
        """
        battery = self.battery
        climb = battery.charge_efficiency * battery.charge_kw * np.cumsum(horizon.step_h * here)
        floor = np.minimum(battery.reserve_kwh, stored_kwh + climb)
        if self.trips:
            first_leave = min(trip.leave for trip in self.trips)
            floor[first_leave:] = 0.0
        if self.end_at_least_kwh > 0.0:
            reach = min(self.end_at_least_kwh, stored_kwh + float(climb[-1]))
            floor[-1] = max(floor[-1], min(reach, battery.capacity_kwh))
        return floor

    def _is_home(self, horizon: Horizon) -> FloatArray:
        here = np.ones(horizon.count)
        for trip in self.trips:
            here[trip.leave : trip.back] = 0.0
        return here

    def _build_trips(self, part: "StoragePart", lp: Lp) -> None:
        if not self.trips:
            return
        count = len(self.trips)
        part.short = lp.columns(count, 0.0, INF, SHORT_YEN_KWH)
        part.need_rows = lp.rows(count, 0.0, INF)
        lp.put(part.need_rows.at, part.short.at, 1.0)
        steps = len(part.level.at)
        for i, trip in enumerate(self.trips):
            if trip.leave > 0:
                lp.put(part.need_rows.at[i : i + 1], part.level.at[[trip.leave - 1]], 1.0)
            if (
                trip.back < steps
            ):  # what was short is charged on the way, the program stays feasible
                lp.put(part.flow.at[[trip.back]], part.short.at[i : i + 1], -1.0)

    def _build_directions(self, part: "StoragePart", lp: Lp, horizon: Horizon) -> None:
        at = violating_steps(horizon)
        if at.size == 0:
            return
        charging = lp.binaries(at.size)
        in_kwh = self.battery.charge_kw * horizon.step_h[at]
        out_kwh = self.battery.discharge_kw * horizon.step_h[at]
        rows = lp.rows(at.size, -INF, 0.0)
        lp.put(rows.at, part.takes.at[at], 1.0)
        lp.put(rows.at, charging.at, -in_kwh)
        rows = lp.rows(at.size, -INF, out_kwh)
        lp.put(rows.at, part.gives.at[at], 1.0)
        lp.put(rows.at, charging.at, out_kwh)


NO_VALUE = EndValue(0.0, 0.0, 0.0)


@dataclass(slots=True)
class StoragePart:
    """The blocks of one storage in the program."""

    asset: Storage
    takes: Columns
    gives: Columns
    level: Columns
    first: Columns
    flow: Rows
    short: Columns | None = None
    need_rows: Rows | None = None
    taper_rows: list[Rows] = field(default_factory=list)
    end: EndValue = NO_VALUE

    @property
    def key(self) -> str:
        """The asset's name."""
        return self.asset.key

    def relax(self, lp: Lp) -> None:
        """Only the physical floor, where the reserve cannot be climbed to."""
        lp.set_bounds(self.level, 0.0, self.asset.battery.capacity_kwh)

    def read(self, solution: Solution, horizon: Horizon) -> AssetPlan:
        """Power, level, and what wear, shortage and the energy left are worth."""
        takes = solution.of(self.takes)
        gives = solution.of(self.gives)
        level = solution.of(self.level)
        surplus = np.maximum(horizon.pv_kwh - horizon.load_kwh, 0.0)
        terms = [Term("wear", float((takes + gives).sum()) * self.asset.wear_yen_kwh)]
        first = min(float(level[-1]), self.end.first_kwh)
        left = first * self.end.first_yen_kwh + (level[-1] - first) * self.end.rest_yen_kwh
        terms.append(Term("stored_at_end", -float(left)))
        if self.short is not None:
            short_kwh = float(solution.of(self.short).sum())
            terms.append(Term("departure_short", short_kwh * SHORT_YEN_KWH))
        return AssetPlan(
            self.key,
            (takes - gives) / horizon.step_h,
            level,
            np.maximum(takes - surplus, 0.0) / horizon.step_h,
            tuple(terms),
        )
