"""Random faults for a whole home, and what must hold whatever the die throws."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
from tests.whole.air import Weather
from tests.whole.street import Street, stored_kwh

from hidamari.core.reading import SeriesKey
from hidamari.sim.fleet import DEVICES

BUS = ("pv_kw", "grid_kw", "battery_kw", "ev_kw", "heater_kw", "load_kw", "use_kw")
KEYS = [SeriesKey("home", name) for name in BUS]
COUNTED = ("pv_kw", "charge_kw", "discharge_kw", "ev_charge_kw", "ev_discharge_kw")
METERED = ("import_kw", "export_kw")
# What one quantity depends on alone, so that its silence must make it unknown.
ALONE = {"pv_kw": "solar", "battery_kw": "battery", "ev_kw": "v2h"}
USUAL_S = 10
# Where a device falls silent, or a clock is set, the half-hour around it may be known from power
# samples alone: five minutes apart they tell its energy to some per cent.
SELDOM_ASKED = 0.01
DEAF_S = 300.0  # silent for longer than any value is held
LONGEST_CUT_S = 4 * 3600.0
TWIN_NODE = 8  # two devices share it: it does not swap its address with another
Fault = Callable[[], Awaitable[None]]


class Storm:
    """One die for one home."""

    def __init__(self, street: Street, seed: int) -> None:
        self.street = street
        self.die = Random(seed)
        self.log: list[str] = []
        self.broken: list[str] = []
        self.gone: dict[str, float] = {}  # device -> when it went
        self.known: dict[datetime, np.ndarray] = {}  # minutes that somebody has seen
        self.resets = 0
        self._hosts = 100

    # -- what happens --------------------------------------------------------------------------

    async def blow(self, until: datetime) -> None:
        """One fault after the other, then calm."""
        kinds: list[Fault] = [
            self.bad_air,
            self.slow_air,
            self.device_away,
            self.device_away,
            self.node_moves,
            self.two_swap,
            self.new_meter,
            self.power_cut,
            self.power_cut,
            self.clock_runs_wild,
            self.no_clock_after_a_cut,
            self.full_disk,
        ]
        while self.street.clock.true() < until:
            await self.rest(30)
            kind = self.die.choice(kinds)
            self.log.append(f"{self.street.clock.true():%d %H:%M:%S} {kind.__name__}")
            await kind()
        self.street.air.weather = Weather()
        while self.gone:
            self.back(next(iter(self.gone)))

    async def rest(self, most_min: float) -> None:
        """Some minutes pass; the house is looked at as often as there is something new."""
        left_s = 60.0 * (1 + int(self.die.random() * most_min))
        while left_s > 0.0:
            nap_s = min(left_s, max(60.0, self.street.live_s))
            await self.sleep(nap_s)
            left_s -= nap_s

    async def sleep(self, seconds: float) -> None:
        await self.street.until(self.street.clock.true() + timedelta(seconds=seconds))
        self.look()

    async def bad_air(self) -> None:
        die = self.die
        self.street.air.weather = Weather(
            lost=die.random() * 0.2,
            doubled=die.random() * 0.1,
            late=die.random() * 0.2,
            multicast=die.random() < 0.7,
        )
        await self.rest(60)
        self.street.air.weather = Weather()

    async def slow_air(self) -> None:
        self.street.air.weather = Weather(slow_s=self.die.random() * 2.5)
        await self.rest(60)
        self.street.air.weather = Weather()

    async def device_away(self) -> None:
        key = self.die.choice([d.key for d in DEVICES])
        self.vanish(key)
        await self.rest(90)
        self.back(key, moved=self.die.random() < 0.5)

    async def node_moves(self) -> None:
        self.back(self.die.choice([d.key for d in DEVICES]), moved=True)
        await self.rest(20)

    async def two_swap(self) -> None:
        first, second = self.die.sample([d.key for d in DEVICES if d.node != TWIN_NODE], 2)
        hosts = self.street.house.host_of(first), self.street.house.host_of(second)
        for key in (first, second):
            self.vanish(key)
        if self.die.random() < 0.5:
            await self.sleep(self.die.random() * 200)
        self.back(first, host=hosts[1])
        self.back(second, host=hosts[0])
        await self.rest(20)

    async def new_meter(self) -> None:
        """It shows half of what the old one showed: a zero would not be believed, and a little
        more than before could as well be real.
        """
        self.resets += 1
        world = self.street.world
        now = world.form.shown(world.state.counters)
        world.form = replace(
            world.form,
            import_offset_kwh=world.form.import_offset_kwh + now.first / 2,
            export_offset_kwh=world.form.export_offset_kwh + now.second / 2,
        )
        await self.rest(20)

    async def power_cut(self) -> None:
        self.remember(60)
        await self.street.cut_power()
        await self.sleep(self.die.random() ** 3 * LONGEST_CUT_S)
        await self.street.switch_on()
        await self.rest(30)

    async def clock_runs_wild(self) -> None:
        """Nobody keeps the clock right for a while, and somebody sets it to anything."""
        street, die = self.street, self.die
        street.kernel.synchronised = False
        for _ in range(die.randrange(1, 5)):
            street.clock.wrong_s = die.choice((-1, 1)) * 10 ** (die.random() * 8.8)  # to 20 years
            await self.rest(15)
            if die.random() < 0.3:  # only our process dies: the machine's clock stays wrong
                self.remember(60)
                await street.cut_power()
                await street.switch_on()
        street.clock.wrong_s, street.kernel.synchronised = 0.0, True
        await self.sleep(20)

    async def no_clock_after_a_cut(self) -> None:
        """A machine without a clock of its own comes back, and the network later."""
        street = self.street
        self.remember(60)
        await street.cut_power()
        stopped = street.clock.true()
        await self.sleep(self.die.random() ** 3 * LONGEST_CUT_S)
        shown = self.die.choice((datetime(1970, 1, 1, tzinfo=UTC), stopped))
        street.clock.wrong_s = (shown - street.clock.true()).total_seconds()
        street.kernel.synchronised = False
        street.reboot()
        await street.switch_on()
        await self.rest(25)
        street.clock.wrong_s, street.kernel.synchronised = 0.0, True
        await self.sleep(90)

    async def full_disk(self) -> None:
        writer = self.street.home.store._database._writer
        pages = writer.execute("pragma page_count").fetchone()[0]
        writer.execute(f"pragma max_page_count = {pages}")
        await self.rest(40)
        writer.execute("pragma max_page_count = 1000000")
        await self.sleep(120)  # what waited is written before the next cut

    def vanish(self, key: str) -> None:
        self.street.house.vanish(key)
        for other in self._with(key):
            self.gone[other] = self.street.clock.monotonic_s()

    def back(self, key: str, *, moved: bool = False, host: str | None = None) -> None:
        if moved:
            self._hosts += 1
            host = f"10.0.0.{self._hosts}"
        self.street.house.come_back(key, host)
        for other in self._with(key):
            self.gone.pop(other, None)

    def _with(self, key: str) -> list[str]:
        node = self.street.house._node(key)
        return [d.key for d in DEVICES if self.street.house._node(d.key) is node]

    # -- what must hold ------------------------------------------------------------------------

    def look(self) -> None:
        """The two identities, and no number for what is silent."""
        home = self.street.home
        if home is None:
            return
        now_s = home.clock.monotonic_s()
        flow, _ = home.house.flow(now_s)
        deaf_s = max(DEAF_S, 2 * self.street.live_s + 60.0)
        for name, key in ALONE.items():
            if now_s - self.gone.get(key, now_s) > deaf_s and getattr(flow, name) is not None:
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
        for name in (*COUNTED, *METERED):
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
        if self.street.live_s > USUAL_S:
            slack_kwh += SELDOM_ASKED * did.sum()
        off_kwh = np.nansum(has) - did.sum()
        if off_kwh > slack_kwh or off_kwh < -slack_kwh - lost_kwh:
            self.broken.append(f"{name}: did {did.sum():.3f}, stored {np.nansum(has):.3f}")
        if np.nanmax(has) > did.max() * 1.5 + 0.3 or np.nanmin(has) < 0:
            self.broken.append(f"{name}: a spike of {np.nanmax(has):.3f}, at most {did.max():.3f}")
        if is_metered and np.isnan(has).any():
            self.broken.append(f"{name}: {np.isnan(has).sum()} half-hours are missing")
