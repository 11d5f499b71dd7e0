"""The simulated house in time: steps it to any instant and keeps what its meters remember."""

from datetime import datetime

from hidamari.core.time import SLOT_S, from_unix
from hidamari.sim.house import HouseState, step
from hidamari.sim.meter import HalfHours, MeterForm
from hidamari.sim.replay import SLOT_TICKS, TICK_S, Replay, packaged_year
from hidamari.sim.supply import Supply

FINE_TICKS = 2 * 360  # the last two hours are always lived in steps of 10 s
METER_PAST_DAYS = 100


class World:
    """One house that only moves forward; the same seed and commands give the same house."""

    def __init__(self, state: HouseState, half_hours: HalfHours, replay: Replay | None) -> None:
        self.state = state
        self.half_hours = half_hours
        self.form = MeterForm()
        self._supply = Supply(state.seed, replay or packaged_year(state.seed))

    @classmethod
    def new(cls, seed: int, at: datetime, replay: Replay | None = None) -> "World":
        """A house with a hundred days behind it, so that its meter has a past."""
        first = (int(at.timestamp()) // SLOT_S - METER_PAST_DAYS * 48) * SLOT_TICKS
        world = cls(HouseState.new(seed, first), HalfHours(), replay)
        world.advance(at)
        return world

    @property
    def at(self) -> datetime:
        """Until when the house has lived."""
        return from_unix(self.state.tick * TICK_S)

    @property
    def slot(self) -> int:
        """The half-hour since 1970 that it is in."""
        return self.state.tick // SLOT_TICKS

    def advance(self, until: datetime, fine_ticks: int = 1) -> int:
        """Live until an instant, in steps of `fine_ticks`; what is long ago goes by half-hours.

        Returns the number of steps taken.
        """
        goal = int(until.timestamp()) // TICK_S // fine_ticks * fine_ticks
        steps = 0
        while self.state.tick < goal:
            tick = self.state.tick
            whole = tick % SLOT_TICKS == 0 and goal - tick >= SLOT_TICKS + FINE_TICKS
            self.step(SLOT_TICKS if whole else fine_ticks - tick % fine_ticks)
            steps += 1
        return steps

    def step(self, ticks: int) -> HouseState:
        """One step that stays within its half-hour."""
        tick = self.state.tick
        if tick % SLOT_TICKS == 0:
            self.half_hours.add(tick // SLOT_TICKS, self.form.shown(self.state.counters))
        self.state = step(self.state, self._supply.inputs(tick, ticks))
        return self.state
