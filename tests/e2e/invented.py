"""An invented home whose numbers balance: half-hours of sun, use, battery, heater and grid."""

import functools
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 20, 1, 42, tzinfo=UTC)
CIRCUITS = (
    ("circuit:1", "エアコン(居間)", "居間", 0.30),
    ("circuit:2", "IHクッキングヒーター", "台所", 0.16),
    ("circuit:3", "冷蔵庫", "台所", 0.12),
    ("circuit:4", "洗濯機・乾燥機", "洗面所", 0.12),
    ("circuit:5", "照明(1階)", "居間", 0.08),
    ("circuit:6", "寝室コンセント", "寝室", 0.07),
)


@dataclass(frozen=True, slots=True)
class HalfHour:
    """Energy in kWh of one half-hour; levels at its end."""

    pv_kwh: float
    load_kwh: float
    heater_kwh: float
    ev_kwh: float
    charge_kwh: float
    discharge_kwh: float
    soc_pct: float
    tank_l: float

    @property
    def net_kwh(self) -> float:
        """Bought (positive) or sold, so that the house bus balances."""
        used = self.load_kwh + self.heater_kwh + self.ev_kwh + self.charge_kwh
        return used - self.pv_kwh - self.discharge_kwh


def wobble(*seed: float) -> float:
    """0 to 1, the same for the same seed."""
    value = math.sin(sum(s * k for s, k in zip(seed, (12.9898, 78.233, 37.719), strict=False)))
    return value * 43758.5453 % 1


@functools.cache
def local_day(day: date) -> list[HalfHour]:
    """48 half-hours from local midnight."""
    number = day.toordinal()
    season = 0.75 + 0.25 * math.cos((day.timetuple().tm_yday - 172) / 365 * 2 * math.pi)
    clear = 0.35 + 0.65 * wobble(number, 1)
    soc, tank, rows = 3.4, 300.0, []
    for i in range(48):
        hour = i / 2
        sun = max(0.0, math.sin((hour - 6.2) / 11.2 * math.pi)) if 6.2 < hour < 17.4 else 0.0
        pv = 2.15 * sun**1.4 * season * clear
        busy = math.exp(-(((hour - 7.2) / 1.1) ** 2)) + 1.5 * math.exp(-(((hour - 19.4) / 2) ** 2))
        load = 0.16 + 0.33 * busy * (0.8 + 0.4 * wobble(number, i)) + 0.05 * wobble(i, number)
        heater = 0.6 if 11 <= hour < 14 else 0.0
        ev = 1.5 if 12.5 <= hour < 14 and number % 3 == 0 else 0.0
        spare = pv - load - heater - ev
        charge = min(max(spare, 0), 1.2, (9.8 - soc) / 0.95)
        discharge = min(max(-spare, 0), 0.9, max(0.0, soc - 1.4)) if not 1 < hour < 5 else 0.0
        soc += 0.95 * charge - discharge
        tank = min(370, tank + heater * 75) - (58 if 19 <= hour < 21 else 3)
        row = (pv, load, heater, ev, charge, discharge)
        rows.append(HalfHour(*(round(v, 4) for v in row), round(soc * 10, 1), round(tank)))
    return rows


def slots(start: datetime, end: datetime) -> list[tuple[datetime, HalfHour]]:
    """Half-hours from start to end, none after NOW."""
    found = []
    day = start.astimezone(ZONE).date()
    while True:
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)
        if midnight >= end:
            return found
        for i, row in enumerate(local_day(day)):
            at = midnight + timedelta(minutes=30 * i)
            if start <= at < end and at <= NOW - timedelta(minutes=30):
                found.append((at, row))
        day += timedelta(days=1)


ENERGY = {
    "pv_kw": lambda r: r.pv_kwh,
    "load_kw": lambda r: r.load_kwh,
    "heater_kw": lambda r: r.heater_kwh,
    "ev_charge_kw": lambda r: r.ev_kwh,
    "charge_kw": lambda r: r.charge_kwh,
    "discharge_kw": lambda r: r.discharge_kwh,
    "import_kw": lambda r: max(r.net_kwh, 0),
    "export_kw": lambda r: max(-r.net_kwh, 0),
    "use_kw": lambda r: r.load_kwh + r.heater_kwh + r.ev_kwh,
    "other_kw": lambda r: r.load_kwh * (1 - sum(c[3] for c in CIRCUITS)),
}
LEVEL = {"soc_pct": lambda r: r.soc_pct, "tank_l": lambda r: r.tank_l}


def value(name: str, rows: list[HalfHour]) -> float | None:
    """Energy summed or level averaged over some half-hours; None without any."""
    if not rows:
        return None
    if name.startswith("circuit:"):
        share = next((c[3] for c in CIRCUITS if c[0] == name.split(".", maxsplit=1)[0]), 0.0)
        return round(sum(r.load_kwh for r in rows) * share, 3)
    bare = name.removeprefix("home.")
    if bare in LEVEL:
        return round(sum(LEVEL[bare](r) for r in rows) / len(rows), 1)
    if bare in ENERGY:
        return round(sum(ENERGY[bare](r) for r in rows), 3)
    return 0.0


def starts(first: date, last: date, step: str) -> list[datetime]:
    """Starts of the steps of a range of local days; `last` is not in it."""
    found, day = [], first
    while day < last:
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)
        if step in ("30m", "1h"):
            length = 30 if step == "30m" else 60
            found += [midnight + timedelta(minutes=m) for m in range(0, 1440, length)]
        elif step == "1d" or day.day == 1 or day == first:
            found.append(midnight)
        day += timedelta(days=1)
    return found
