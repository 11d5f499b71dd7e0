"""The backtest command: measured homes replayed, and what they would have paid by other rules."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from hidamari.backtest.homes import (
    HomeYear,
    Rows,
    home_year,
    local_grid,
    read_meta,
    read_rows,
    scaled,
    span,
)
from hidamari.backtest.optimum import optimum
from hidamari.backtest.replay import Account, Replay
from hidamari.backtest.tariffs import Tariffed, tariff_of
from hidamari.backtest.world import (
    WARM_DAYS,
    World,
    night_fill,
    no_battery,
    self_consumption,
)
from hidamari.core.errors import InputError
from hidamari.forecast.load import DayKind, PastDays, same_kind_rule
from hidamari.forecast.series import nmae
from hidamari.forecast.sun import Place
from hidamari.plan.battery import Battery

FloatArray = NDArray[np.float64]

TOKYO_PLACE = Place(35.68, 139.77, ZoneInfo("Asia/Tokyo"))
NEAR_DEG = 15.0  # half of Japan and the error of the guess

OnDay = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; `tariff` is as `tariff_of` reads it."""

    homes: Path
    meta: Path | None = None
    only: tuple[str, ...] = ()
    tariff: str = "tou"
    battery_kwh: float = 10.0
    battery_kw: float = 4.0
    solar_forecast: Path | None = None
    first: date | None = None
    last: date | None = None
    scenarios: int = 30  # past error days a plan; 0 or 1 = the mean alone
    spot: Path | None = None  # market prices, for a plan that follows them
    bounds: bool = False  # also replay with the load known, and with the sun known


@dataclass(frozen=True, slots=True)
class HomeResult:
    """One home: bills in yen a year, shares, forecast errors, milliseconds a plan.

    `replay_cpu_s` is the processor time of its replay, without reading and reckoning the rules.
    """

    home: str
    none_yen: float
    greedy_yen: float
    night_yen: float
    ours_yen: float
    optimum_yen: float
    best_rule_yen: float
    captured_share: float
    load_nmae: float
    load_nmae_yesterday: float
    load_nmae_rule: float
    pv_nmae: float | None
    pv_nmae_yesterday: float | None
    plan_ms: float
    replay_cpu_s: float
    load_known_share: float | None = None
    solar_known_share: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All homes, the mean of every number, and how long it took."""

    homes: tuple[HomeResult, ...]
    seconds: float = 0.0
    mean: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The form of `--json`."""
        return {"homes": [asdict(home) for home in self.homes], "mean": self.mean}


def run(options: Options, on_day: OnDay | None = None) -> Report:
    """Replay every home; `on_day(replay, day, days)` is called as time passes (progress bar)."""
    begun = time.perf_counter()
    results = []
    for replay in replays_of(options):
        if on_day is not None:
            replay.on_day = _day_caller(on_day, replay)
        begun_cpu_s = time.process_time()
        account = replay.run()
        result = _result(replay, account, time.process_time() - begun_cpu_s)
        results.append(_with_bounds(replay, result, on_day) if options.bounds else result)
    return Report(tuple(results), time.perf_counter() - begun, _means(results))


def replays_of(options: Options) -> list[Replay]:
    """The homes asked for, each ready to be lived through."""
    rows = read_rows(options.homes, ("load_kwh", "pv_kwh"))
    meta = read_meta(options.meta) if options.meta is not None else {}
    files = _read_files(options)
    names = options.only or tuple(rows)
    unknown = [name for name in names if name not in rows]
    if unknown:
        raise InputError(f"{options.homes}: no home {unknown[0]}; there are {', '.join(rows)}")
    replays = []
    for name in names:
        place = _place(name, meta[name]) if name in meta else guess_place(rows[name])
        home = scaled(home_year(rows[name], place.zone))
        file_kwh = _file_grid(files.get(name), home)
        home, file_kwh = span(home, file_kwh, options.first, options.last)
        replays.append(Replay(_world(home, options), place, file_kwh, options.scenarios))
    return replays


def _day_caller(on_day: OnDay, replay: Replay) -> Callable[[int], None]:
    home = replay.world.home
    return lambda day: on_day(f"{home.home} {replay.known}".rstrip(), day + 1, home.days)


def _result(replay: Replay, account: Account, replay_cpu_s: float) -> HomeResult:
    world, home = replay.world, replay.world.home
    none_yen, best_yen = no_battery(world), optimum(world)
    greedy_yen, night_yen = self_consumption(world), night_fill(world)
    gain = none_yen - best_yen
    warm = world.warm_days
    load, pv = home.load_kwh, home.pv_kwh
    rule = np.array([_rule_day(home, day) for day in range(warm, home.days)])
    return HomeResult(
        home=home.home,
        none_yen=none_yen,
        greedy_yen=greedy_yen,
        night_yen=night_yen,
        ours_yen=account.ours_yen,
        optimum_yen=best_yen,
        best_rule_yen=min(greedy_yen, night_yen),
        captured_share=(none_yen - account.ours_yen) / gain if gain > 0.0 else 1.0,
        load_nmae=account.load_nmae,
        load_nmae_yesterday=nmae(load[warm - 1 : -1], load[warm:]),
        load_nmae_rule=nmae(rule, load[warm:]),
        pv_nmae=account.pv_nmae if home.has_pv else None,
        pv_nmae_yesterday=nmae(pv[warm - 1 : -1], pv[warm:]) if home.has_pv else None,
        plan_ms=account.plan_ms,
        replay_cpu_s=replay_cpu_s,
    )


def _with_bounds(replay: Replay, result: HomeResult, on_day: OnDay | None) -> HomeResult:
    """What knowing the load, or the sun, beforehand would have captured."""
    gain = result.none_yen - result.optimum_yen
    shares = []
    for known in ("load", "solar"):
        other = Replay(replay.world, replay.place, replay.file_kwh, replay.scenarios, known)
        if on_day is not None:
            other.on_day = _day_caller(on_day, other)
        shares.append((result.none_yen - other.run().ours_yen) / gain if gain > 0.0 else 1.0)
    return replace(result, load_known_share=shares[0], solar_known_share=shares[1])


def _rule_day(home: HomeYear, day: int) -> FloatArray:
    kinds = tuple(DayKind(home.weekday(i), home.weekday(i) >= 5) for i in range(day + 1))
    return same_kind_rule(PastDays(home.load_kwh[:day], kinds[:-1]), kinds[-1])


def _world(home: HomeYear, options: Options) -> World:
    if home.days <= WARM_DAYS:
        raise InputError(f"{home.home}: {home.days} days, more than {WARM_DAYS} expected")
    power_kw = options.battery_kw
    battery = Battery(options.battery_kwh, power_kw, power_kw)
    tariff: Tariffed = tariff_of(options.tariff, options.spot)(home)
    return World(home, tariff.prices, battery, contract=tariff.contract)


def guess_place(rows: Rows) -> Place:
    """Where a home without a companion file stands: Tokyo, unless its sun says otherwise.

    The middle of the sun's energy within a day of UTC gives the longitude to some degrees; the zone
    is then a whole number of hours, and the latitude Tokyo's.
    """
    pv_kwh = np.nan_to_num(rows.values[:, 1])
    if not pv_kwh.any():
        return TOKYO_PLACE
    turn = 2.0j * np.pi * (rows.at_s % 86400) / 86400.0
    noon_h = float(np.angle((pv_kwh * np.exp(turn)).sum())) * 12.0 / np.pi
    longitude = (((12.0 - noon_h) * 15.0 + 180.0) % 360.0) - 180.0
    if abs(longitude - TOKYO_PLACE.longitude) < NEAR_DEG:
        return TOKYO_PLACE
    zone = ZoneInfo(f"Etc/GMT{-round(longitude / 15.0):+d}")  # signs are the other way round there
    return Place(TOKYO_PLACE.latitude, longitude, zone)


def _place(name: str, meta: dict[str, str]) -> Place:
    """Zone and coordinates from the companion file."""
    try:
        return Place(float(meta["lat"]), float(meta["lon"]), ZoneInfo(meta["tz"]))
    except (KeyError, ValueError, ZoneInfoNotFoundError) as error:
        raise InputError(f"{name}: tz, lat and lon expected in the companion file") from error


def _read_files(options: Options) -> dict[str, Rows]:
    if options.solar_forecast is None:
        return {}
    return read_rows(options.solar_forecast, ("pv_fc_kwh",))


def _file_grid(rows: Rows | None, home: HomeYear) -> FloatArray | None:
    """The forecast file on the home's days, scaled as its array is; NaN where not issued."""
    if rows is None:
        return None
    first, grid = local_grid(rows, home.zone, home.slots)
    answer = np.full(home.load_kwh.shape, np.nan)
    offset = (first - home.first).days
    for day in range(grid.shape[0]):
        if 0 <= day + offset < home.days:
            answer[day + offset] = grid[day, :, 0] * home.pv_scale
    return answer


def _means(results: Sequence[HomeResult]) -> dict[str, float]:
    rows = [asdict(result) for result in results]
    names = [name for name in rows[0] if name != "home"] if rows else []
    means = {}
    for name in names:
        values = [row[name] for row in rows if row[name] is not None]
        if values:
            means[name] = float(np.mean(values))
    return means
