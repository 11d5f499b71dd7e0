"""Faults of the server service and of the way to it (reliability F15, F16); all go on meanwhile."""

from tests.whole.storm import Fault, Storm

from hidamari.link.dial import Closed, LineLost

LONGEST_AWAY_S = 8 * 3600.0
SLOWEST_S = 90.0


async def service_away(storm: Storm) -> None:
    """It is gone for minutes or hours, with whatever it had not committed."""
    await storm.outside.go()
    storm.later(storm.die.random() ** 3 * LONGEST_AWAY_S, storm.outside.come)


async def service_restarts(storm: Storm) -> None:
    """Gone and back before anybody notices."""
    await storm.outside.go()
    await storm.outside.come()


async def service_slow(storm: Storm) -> None:
    """Its disk takes so long that what was sent is sent again."""
    storm.outside.disk.slow_s = storm.die.random() * SLOWEST_S

    async def end() -> None:
        storm.outside.disk.slow_s = 0.0

    storm.later(storm.die.random() * 7200.0, end)


async def service_full(storm: Storm) -> None:
    """It can keep nothing, and says so to nobody."""
    storm.outside.disk.is_full = True

    async def end() -> None:
        storm.outside.disk.is_full = False

    storm.later(storm.die.random() * 7200.0, end)


async def cut_before_the_answer(storm: Storm) -> None:
    """The line breaks whenever something was committed, before the home hears of it."""
    storm.outside.disk.after_commit = storm.outside.exchange.cut

    async def end() -> None:
        storm.outside.disk.after_commit = nothing

    storm.later(storm.die.random() * 3600.0, end)


async def own_line_down(storm: Storm) -> None:
    """The home's own network is gone."""
    exchange = storm.outside.exchange
    exchange.own_line = False
    exchange.cut(LineLost)

    async def end() -> None:
        exchange.own_line = True

    storm.later(storm.die.random() * 3600.0, end)


async def line_cut(storm: Storm) -> None:
    """In the middle of whatever is said."""
    for _ in range(3):
        storm.outside.exchange.cut(storm.die.choice((Closed, LineLost)))
        await storm.rest(3)


def nothing() -> None:
    """No more than committed."""


LINK: tuple[Fault, ...] = (
    service_away,
    service_away,
    service_restarts,
    service_slow,
    service_full,
    cut_before_the_answer,
    own_line_down,
    line_cut,
)
