"""What comes to the simulated house from outside: its measured days, weather, people."""

from dataclasses import dataclass

from hidamari.sim.assets import Draw
from hidamari.sim.circuits import SLOT_H, split, ticks
from hidamari.sim.noise import FloatArray
from hidamari.sim.people import DAY_L, Trip, draw_l, trip_at
from hidamari.sim.replay import SLOT_TICKS, TICK_S, Replay
from hidamari.sim.weather import outdoor_c

BLOCK_SLOTS = 1024
TICK_H = TICK_S / 3600.0


@dataclass(frozen=True, slots=True)
class Inputs:
    """Means over one step that begins `tick` steps of 10 s after 1970 and is `hours` long."""

    tick: int
    hours: float
    circuits_kw: FloatArray  # load by circuit, the last one behind no breaker
    sun_kw: float
    outdoor_c: float
    draw: Draw
    trip: Trip | None

    @property
    def local_h(self) -> float:
        """Hour of the local day at which the step begins, 0 to 24."""
        return (self.tick * TICK_S / 3600.0 + 9.0) % 24.0


@dataclass(frozen=True, slots=True)
class _Block:
    first: int
    circuits_kwh: FloatArray
    sun_kwh: FloatArray
    outdoor_c: FloatArray


@dataclass(frozen=True, slots=True)
class _Ticks:
    slot: int
    circuits_kw: FloatArray
    sun_kw: FloatArray


class Supply:
    """Looks up any step; keeps the arrays of the present stretch at hand."""

    def __init__(self, seed: int, replay: Replay) -> None:
        self.seed = seed
        self.replay = replay
        self._block = self._make_block(0)
        self._ticks: _Ticks | None = None

    def inputs(self, tick: int, count: int) -> Inputs:
        """The step of `count` ticks from `tick` on; it must lie within one half-hour."""
        slot, place = divmod(tick, SLOT_TICKS)
        block = self._block_of(slot)
        row = slot - block.first
        if count == SLOT_TICKS:
            circuits_kw, sun_kw = block.circuits_kwh[row] / SLOT_H, block.sun_kwh[row] / SLOT_H
        else:
            fine = self._ticks_of(slot)
            circuits_kw = fine.circuits_kw[place : place + count].mean(axis=0)
            sun_kw = fine.sun_kw[place : place + count].mean()
        share = count / SLOT_TICKS
        minute = (tick + count // 2) * TICK_S // 60
        return Inputs(
            tick,
            count * TICK_H,
            circuits_kw,
            float(sun_kw),
            float(block.outdoor_c[row]),
            Draw(draw_l(self.seed, slot) * share, DAY_L),
            trip_at(self.seed, minute),
        )

    def _block_of(self, slot: int) -> _Block:
        first = slot // BLOCK_SLOTS * BLOCK_SLOTS
        if self._block.first != first:
            self._block = self._make_block(first)
        return self._block

    def _make_block(self, first: int) -> _Block:
        load_kwh, sun_kwh = self.replay.half_hours(first, BLOCK_SLOTS)
        air_c = outdoor_c(self.seed, first, BLOCK_SLOTS)
        return _Block(first, split(self.seed, first, load_kwh, air_c), sun_kwh, air_c)

    def _ticks_of(self, slot: int) -> _Ticks:
        if self._ticks is None or self._ticks.slot != slot:
            block = self._block_of(slot)
            energy_kwh = block.circuits_kwh[slot - block.first]
            circuits_kw = ticks(self.seed, slot, energy_kwh)
            self._ticks = _Ticks(slot, circuits_kw, self.replay.sun_kw(self.seed, slot))
        return self._ticks
