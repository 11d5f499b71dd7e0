"""The water heater in the plan: hot water that was drawn, hours it may run, runs it was told."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hidamari.core.config import HeaterPlan, PlanSettings
from hidamari.devices.water_heater import KWH_PER_L_K, TankModel, WaterHeater
from hidamari.forecast.hotwater import draws
from hidamari.forecast.load import DayKind, PastDays
from hidamari.home.assets import Asset
from hidamari.plan.horizon import HomePlan, Horizon
from hidamari.plan.parts.tank import Heat, Tank
from hidamari.store.pack import FloatArray

DAY_SLOTS = 48
SLOT_H = 0.5
# Appendix 0x026B, EPC CA: a shifted run starts at 9 to 17 o'clock, whole hours.
FIRST_SHIFT_H, LAST_SHIFT_H = 9, 17
NIGHT_FROM_H, OWN_BOIL_BY_H = 23.0, 7.0
# Its own night boil begins as late as it may; a planned run is over an hour earlier, or the heater
# would begin before it was told to.
LEAD_H = 1.0
NIGHT_TO_H = OWN_BOIL_BY_H - LEAD_H
DUE_SHARE = 0.1  # of what its runs end with: with less missing it leaves the night alone
USUAL_DECIDE_H = 23  # where EPC C8 is not told
LONGEST_RUN_H = 7.0
RUNS_KW = 0.1
TELL_BEFORE_H = 1.0
PERSONS = 4.0
FEWEST_TARGET_DAYS = 5
DAY_RESERVE = 1.1
FULL_RUN_SHARE, FEWEST_RUN_SLOTS = 0.8, 10
COLDEST_C, WARMEST_C = 2.0, 30.0  # tap water of Japan
MOST_DRAW_KWH = 15.0  # in a half-hour: a bath is 5


@dataclass(frozen=True, slots=True)
class Household:
    """Heat drawn per half-hour [kWh] of today, tomorrow and the day after, (3, 48) each."""

    mean_kwh: FloatArray | None = None
    reserve_kwh: FloatArray | None = None
    outdoor_c: float | None = None
    is_learned: bool = False
    target_kwh: float | None = None  # heat that its runs end with
    idle_kw: float = 0.0  # drawn between the runs
    cold_c: float | None = None  # of the water that comes in


def household_of(
    past: PastDays, kinds: tuple[DayKind, ...], persons: int | None, outdoor_c: float | None
) -> Household:
    """What the family will draw in the coming days; `past.load_kwh` holds heat drawn."""
    found = [draws(past, kind, DAY_SLOTS, float(persons or PERSONS)) for kind in kinds]
    return Household(
        np.stack([one.mean_kwh for one in found]),
        np.stack([one.reserve_kwh for one in found]),
        outdoor_c,
        found[0].is_learned,
    )


def heat_drawn(tank_l: FloatArray, heater_kwh: FloatArray, tank: TankModel) -> FloatArray:
    """Heat taken from the tank in each half-hour: what came in less what is there more, kWh.

    Both arrays are in time order; the level of a half-hour is its mean, so what came in counts
    from middle to middle. NaN where either is missing.
    """
    heat = tank_l * tank.kwh_per_l
    into = tank.cop * heater_kwh
    between = 0.5 * (into[1:] + into[:-1])
    full_lost_kwh = tank.loss_w_k * (tank.boil_c - tank.outdoor_c) / 1000.0 * SLOT_H
    lost = full_lost_kwh * heat[1:] / max(tank.full_kwh, 1e-6)
    drawn = between - np.diff(heat) - lost
    return np.concatenate(([np.nan], np.clip(drawn, 0.0, MOST_DRAW_KWH)))


def heater_tank(
    asset: Asset, household: Household, plan: PlanSettings, hour: FloatArray, horizon: Horizon
) -> Tank:
    """The tank as the planner sees it."""
    device, tank = asset.live.device, asset.model
    if not isinstance(device, WaterHeater) or not isinstance(tank, TankModel):
        raise TypeError(f"{asset.id}: a water heater expected")
    if household.outdoor_c is not None:
        tank = replace(tank, outdoor_c=household.outdoor_c)
    step_h = horizon.step_h
    cop = np.full(horizon.count, tank.cop)
    mean, reserve = _draws(household, hour, step_h)
    full_kwh = heated_to_kwh(tank, household)
    announced = announced_step(device, hour)
    night = Night(announced is not None, is_shiftable(asset.live.writable), decide_hour(device))
    may_run = allowed_steps(plan, hour, night)
    if announced is not None and not may_run[announced]:
        announced = None
    running = bool(device.heating_now) and bool(may_run[0])
    stored_kwh = min(tank.heat_kwh, full_kwh)
    needs_kwh = full_kwh - stored_kwh
    is_due = night.is_own(hour[0]) and needs_kwh > DUE_SHARE * full_kwh
    return Tank(
        key=asset.id,
        power_kw=tank.run_kw,
        full_kwh=full_kwh,
        stored_kwh=stored_kwh,
        heat=Heat(cop, mean, np.minimum(reserve, 0.9 * full_kwh)),
        may_run=may_run,
        run_h=LONGEST_RUN_H,
        loss_share_h=tank.loss_w_k * (tank.boil_c - tank.outdoor_c) / 1000.0 / full_kwh,
        announced=announced,
        latest=latest_step(may_run, hour, needs_kwh / tank.heat_kw) if is_due else None,
        running=running,
        idle_kw=household.idle_kw,
    )


def heated_to_kwh(tank: TankModel, household: Household) -> float:
    """The heat at which a run ends: what its runs were seen to end with, at most a full tank."""
    if household.target_kwh is None:
        return tank.full_kwh
    return min(max(household.target_kwh, tank.heat_kwh), tank.full_kwh)


def in_cold_water(tank: TankModel, cold_c: float | None) -> TankModel:
    """The same litres above the cold water there is: in winter each holds more heat."""
    if cold_c is None:
        return tank
    colder = replace(tank, cold_c=cold_c)
    return replace(colder, heat_kwh=tank.hot_l * colder.kwh_per_l)


def cold_water_c(tank_l: FloatArray, heater_kwh: FloatArray, tank: TankModel) -> float | None:
    """How cold the water comes in, from how fast runs filled the tank; None with too few of them.

    Both in time order; of a half-hour between two of the same run the heat pump's output is known.
    """
    most_kwh = np.nanmax(heater_kwh, initial=0.0)
    runs = heater_kwh > FULL_RUN_SHARE * most_kwh
    inside = runs[1:] & runs[:-1]
    gained_l = np.diff(tank_l)[inside]
    gained_l = gained_l[np.isfinite(gained_l) & (gained_l > 0.0)]
    if most_kwh < RUNS_KW * SLOT_H or len(gained_l) < FEWEST_RUN_SLOTS:
        return None
    lost_kw = 0.5 * tank.loss_w_k * (tank.boil_c - tank.outdoor_c) / 1000.0
    undisturbed_l = float(np.quantile(gained_l, 0.8))  # what is drawn at the time slows it
    kwh_per_l = (tank.heat_kw - lost_kw) * SLOT_H / undisturbed_l
    return min(max(tank.boil_c - kwh_per_l / KWH_PER_L_K, COLDEST_C), WARMEST_C)


def usual_idle_kw(heater_kwh: FloatArray) -> float:
    """What it draws between its runs, from half-hours of many days."""
    idle = heater_kwh[np.isfinite(heater_kwh) & (heater_kwh < RUNS_KW * SLOT_H)]
    return float(np.median(idle)) / SLOT_H if idle.size else 0.0


def usual_target_kwh(tank_l: FloatArray, drawn: FloatArray, tank: TankModel) -> float | None:
    """How far its runs heat the tank, from days of levels and draws, both (days, 48).

    Never less than a day with much draw needs, so that a target does not shrink by itself.
    """
    known = np.isfinite(tank_l).mean(axis=1) > 0.9
    if known.sum() < FEWEST_TARGET_DAYS:
        return None
    highest = np.nanmax(tank_l[known], axis=1) * tank.kwh_per_l
    needed = np.nansum(drawn[known], axis=1)
    return float(max(np.quantile(highest, 0.7), DAY_RESERVE * np.quantile(needed, 0.8)))


@dataclass(frozen=True, slots=True)
class Night:
    """The night at hand: whether its run was moved into the day, can be, and until when."""

    is_moved: bool
    can_move: bool
    decide_h: float

    def is_own(self, now_h: float) -> bool:
        """Whether the heater will see to this night by itself, and nothing can keep it from it."""
        is_decided = (now_h - self.decide_h) % 24.0 < (OWN_BOIL_BY_H - self.decide_h) % 24.0
        is_night = now_h >= NIGHT_FROM_H or now_h < OWN_BOIL_BY_H
        return not self.is_moved and (is_decided or (is_night and not self.can_move))


def allowed_steps(plan: PlanSettings, hour: FloatArray, night: Night) -> NDArray[np.bool_]:
    """At which steps the household and the machine allow a run.

    The day after a night counts only where that night's run can be moved there, or has been.
    """
    heater = plan.heater
    nights = np.cumsum(np.diff((hour - OWN_BOIL_BY_H) % 24.0, prepend=0.0) < 0.0)
    is_open = np.where(nights == 0, True, night.can_move)
    if night.is_own(hour[0]):
        is_open = is_open & (nights != 1)
    by_day = (hour >= FIRST_SHIFT_H) & (hour < LAST_SHIFT_H + 1.0) & heater.day_boil & is_open
    # Where it must be quiet until morning, the last hour is all that is left of the night.
    is_late = _is_quiet(heater, np.array([NIGHT_TO_H - SLOT_H]))[0]
    end_h = OWN_BOIL_BY_H if is_late else NIGHT_TO_H
    allowed: NDArray[np.bool_] = (hour >= NIGHT_FROM_H) | (hour < end_h) | by_day
    return allowed & ~_is_quiet(heater, hour) & (not heater.pause)


def latest_step(may_run: NDArray[np.bool_], hour: FloatArray, needed_h: float) -> int | None:
    """The last allowed step of this night at which a run that takes so long must begin."""
    until_h = (OWN_BOIL_BY_H - hour[0]) % 24.0
    ahead_h = (hour - hour[0]) % 24.0
    inside = np.flatnonzero(may_run[:DAY_SLOTS] & (ahead_h[:DAY_SLOTS] < until_h))
    if not inside.size:
        return None
    in_time = inside[ahead_h[inside] + needed_h <= until_h - LEAD_H + 1e-6]
    return int(in_time[-1] if in_time.size else inside[0])


def decide_hour(device: WaterHeater) -> float:
    """The local hour at which a shift for the coming day becomes final (EPC C8)."""
    told = device.decide_h
    return float(USUAL_DECIDE_H if told is None else told)


def announced_step(device: WaterHeater, hour: FloatArray) -> int | None:
    """The step of a shifted run that has become final; None while it can still be changed."""
    if not device.shift or not device.shift_h:
        return None
    until_h = (float(device.shift_h) - hour[0]) % 24.0
    since_h = (hour[0] - decide_hour(device)) % 24.0
    if since_h + until_h >= 24.0 or until_h > 18.0:
        return None
    ahead = (hour - hour[0]) % 24.0
    at = np.flatnonzero(ahead[:DAY_SLOTS] >= until_h - 1e-6)
    return int(at[0]) if at.size else None


@dataclass(frozen=True, slots=True)
class Run:
    """One planned run: its steps (last included) and the local hour it starts at."""

    first: int
    last: int
    start_h: float
    energy_kwh: float


def next_run(home: HomePlan, key: str, hour: FloatArray) -> Run | None:
    """The first run of the heater in the plan."""
    power = home.asset_by_key[key].power_kw
    busy = np.flatnonzero(power > RUNS_KW)
    if not busy.size:
        return None
    first = last = int(busy[0])
    # A step in which the program idles between two of one run is part of it.
    for step in busy[1:]:
        if int(step) - last > 2:
            break
        last = int(step)
    energy_kwh = float((power * home.horizon.step_h)[first : last + 1].sum())
    return Run(first, last, float(hour[first]), energy_kwh)


def is_shiftable(writable: frozenset[int]) -> bool:
    """Whether the heater takes part in the energy shift (EPC C7, CA)."""
    return 0xC7 in writable and 0xCA in writable


def can_shift(run: Run, device: WaterHeater, now_h: float, writable: frozenset[int]) -> int | None:
    """The start hour to tell the heater before it decides; None where the run is not its kind."""
    if not is_shiftable(writable):
        return None
    start_h = int(run.start_h)
    if not FIRST_SHIFT_H <= start_h <= LAST_SHIFT_H:
        return None
    until_decision_h = (decide_hour(device) - now_h) % 24.0
    until_run_h = (run.start_h - now_h) % 24.0
    # Told late, when the plan of the next day has settled; each change would be one more writing.
    is_time = until_decision_h <= TELL_BEFORE_H
    return start_h if is_time and until_decision_h < until_run_h else None


def _is_quiet(heater: HeaterPlan, hour: FloatArray) -> NDArray[np.bool_]:
    """Whether the household wants no noise at these hours."""
    begin, end = heater.quiet_from_h, heater.quiet_to_h
    if begin is None or end is None:
        return np.zeros(len(hour), dtype=bool)
    if begin < end:
        return (hour >= begin) & (hour < end)
    return (hour >= begin) | (hour < end)


def _draws(
    household: Household, hour: FloatArray, step_h: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Expected heat drawn in each step and the reserve at its end, kWh."""
    if household.mean_kwh is None or household.reserve_kwh is None:
        return np.zeros(len(hour)), np.zeros(len(hour))
    place = np.minimum((hour * 2.0 + 1e-6).astype(int), DAY_SLOTS - 1)
    day = np.cumsum(np.concatenate(([0], (np.diff(hour) < -1.0).astype(int))))
    day = np.minimum(day, len(household.mean_kwh) - 1)
    mean = household.mean_kwh[day, place] * step_h / SLOT_H
    return mean, household.reserve_kwh[day, place]
