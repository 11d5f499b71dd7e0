"""Faults of the network, the devices and the controller's machine (reliability, section 3)."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.whole.air import Weather
from tests.whole.storm import Fault, Storm

LONGEST_CUT_S = 4 * 3600.0
TWIN_NODE = 8  # two devices share it: it does not swap its address with another


async def bad_air(storm: Storm) -> None:
    die = storm.die
    storm.street.air.weather = Weather(
        lost=die.random() * 0.2,
        doubled=die.random() * 0.1,
        late=die.random() * 0.2,
        multicast=die.random() < 0.7,
    )
    await storm.rest(60)
    storm.street.air.weather = Weather()


async def slow_air(storm: Storm) -> None:
    storm.street.air.weather = Weather(slow_s=storm.die.random() * 2.5)
    await storm.rest(60)
    storm.street.air.weather = Weather()


async def device_away(storm: Storm) -> None:
    key = storm.die.choice([d.key for d in storm.street.devices])
    storm.vanish(key)
    await storm.rest(90)
    storm.back(key, moved=storm.die.random() < 0.5)


async def node_moves(storm: Storm) -> None:
    storm.back(storm.die.choice([d.key for d in storm.street.devices]), moved=True)
    await storm.rest(20)


async def two_swap(storm: Storm) -> None:
    alone = [d.key for d in storm.street.devices if d.node != TWIN_NODE]
    first, second = storm.die.sample(alone, 2)
    hosts = storm.street.house.host_of(first), storm.street.house.host_of(second)
    for key in (first, second):
        storm.vanish(key)
    if storm.die.random() < 0.5:
        await storm.sleep(storm.die.random() * 200)
    storm.back(first, host=hosts[1])
    storm.back(second, host=hosts[0])
    await storm.rest(20)


async def new_meter(storm: Storm) -> None:
    """It shows half of what the old one showed: a zero would not be believed, and a little
    more than before could as well be real.
    """
    storm.judge.resets += 1
    world = storm.street.world
    now = world.form.shown(world.state.counters)
    world.form = replace(
        world.form,
        import_offset_kwh=world.form.import_offset_kwh + now.first / 2,
        export_offset_kwh=world.form.export_offset_kwh + now.second / 2,
    )
    await storm.rest(20)


async def power_cut(storm: Storm) -> None:
    storm.judge.remember(60)
    await storm.street.cut_power()
    await storm.sleep(storm.die.random() ** 3 * LONGEST_CUT_S)
    await storm.street.switch_on()
    await storm.rest(30)


async def clock_runs_wild(storm: Storm) -> None:
    """Nobody keeps the clock right for a while, and somebody sets it to anything."""
    street, die = storm.street, storm.die
    street.kernel.synchronised = False
    for _ in range(die.randrange(1, 5)):
        street.clock.wrong_s = die.choice((-1, 1)) * 10 ** (die.random() * 8.8)  # to 20 years
        await storm.rest(15)
        if die.random() < 0.3:  # only our process dies: the machine's clock stays wrong
            storm.judge.remember(60)
            await street.cut_power()
            await street.switch_on()
    street.clock.wrong_s, street.kernel.synchronised = 0.0, True
    await storm.sleep(20)


async def no_clock_after_a_cut(storm: Storm) -> None:
    """A machine without a clock of its own comes back, and the network later."""
    street = storm.street
    storm.judge.remember(60)
    await street.cut_power()
    stopped = street.clock.true()
    await storm.sleep(storm.die.random() ** 3 * LONGEST_CUT_S)
    shown = storm.die.choice((datetime(1970, 1, 1, tzinfo=UTC), stopped))
    street.clock.wrong_s = (shown - street.clock.true()).total_seconds()
    street.kernel.synchronised = False
    street.reboot()
    await street.switch_on()
    await storm.rest(25)
    street.clock.wrong_s, street.kernel.synchronised = 0.0, True
    await storm.sleep(90)


async def full_disk(storm: Storm) -> None:
    writer = storm.street.home.store._database._writer
    pages = writer.execute("pragma page_count").fetchone()[0]
    writer.execute(f"pragma max_page_count = {pages}")
    await storm.rest(40)
    writer.execute("pragma max_page_count = 1000000")
    await storm.sleep(120)  # what waited is written before the next cut


HOUSE: tuple[Fault, ...] = (
    bad_air,
    slow_air,
    device_away,
    device_away,
    node_moves,
    two_swap,
    new_meter,
    power_cut,
    power_cut,
    clock_runs_wild,
    no_clock_after_a_cut,
    full_disk,
)
