"""Fixed-seed days for the planner's benchmark, as plain numbers both planners are given."""

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Problem:
    """kW per step, yen/kWh; a battery from and to 40 %; machines as (kW, hours, from, to)."""

    name: str
    step_h: float
    pv_kw: list[float]
    load_kw: list[float]
    buy: list[float]
    sell: list[float]
    blocks: list[tuple[float, float, float, float]]
    capacity_kwh: float = 10.0
    power_kw: float = 3.0
    efficiency: float = 0.95
    least: float = 0.1
    most: float = 0.95
    start: float = 0.4
    end: float = 0.4
    import_kw: float = 6.0
    export_kw: float = 5.0

    def as_json(self) -> dict[str, object]:
        """What the other environment reads."""
        return asdict(self)


KINDS: dict[str, tuple[float, float, bool]] = {
    "day_30min": (24.0, 0.5, False),
    "day_5min": (24.0, 1.0 / 12.0, False),
    "block_30min": (24.0, 0.5, True),
}
BLOCK = (1.2, 4.0, 0.0, 24.0)


def problem(kind: str, seed: int, start_h: float = 0.0, tariff: str = "bands") -> Problem:
    """A day of sun with passing clouds, a family's evening, and a night price."""
    hours, step_h, has_block = KINDS[kind]
    rng = np.random.default_rng(seed)
    fine_h = 1.0 / 12.0
    fine = np.arange(round(72.0 / fine_h)) * fine_h
    cloud = np.convolve(rng.normal(size=fine.size), np.ones(24) / 5.0, mode="same")
    hour = fine % 24.0
    sun = np.clip(np.sin((hour - 6.0) / 12.5 * np.pi), 0.0, None) ** 1.25
    pv = np.clip(4.2 * sun * rng.uniform(0.3, 1.0, 3).repeat(288) * (1.0 + 0.15 * cloud), 0.0, 5.0)
    evening = 1.5 * np.exp(-(((hour - 19.3) / 1.9) ** 2)) + 0.9 * np.exp(
        -(((hour - 7.2) / 1.1) ** 2)
    )
    load = (0.35 + evening) * rng.lognormal(0.0, 0.25, fine.size)
    night = (hour >= 23.0) | (hour < 7.0)
    peak = (hour >= 16.0) & (hour < 20.0)
    buy = np.where(night, 26.0, np.where(peak, 44.0, 36.0))
    if tariff == "flat":
        buy = np.full(fine.size, 31.0)
    first, per = round(start_h / fine_h), round(step_h / fine_h)
    part = slice(first, first + round(hours / fine_h))
    mean = [column[part].reshape(-1, per).mean(axis=1) for column in (pv, load, buy)]
    count = len(mean[0])
    return Problem(
        kind, step_h, mean[0].tolist(), mean[1].tolist(), mean[2].tolist(), [8.5] * count,
        [BLOCK] if has_block else [],
    )  # fmt: skip
