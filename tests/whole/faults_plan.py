"""Faults of what a plan is made of and of its carrying out (reliability F13, F17-F19)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from tests.whole.air import Weather
from tests.whole.brain import BAD_SKIES, LOCK, STEERED, fine_sky
from tests.whole.storm import Fault, Storm
from tests.whole.street import OWN
from tests.whole.witness import Telling

from hidamari.echonet.frame import Eoj
from hidamari.home.control import MODES, owner_proposal
from hidamari.home.sending import Command, Outcome, send
from hidamari.plan.request import Fault as SolverFault

LONGEST_S = 3 * 3600.0
OPEN, SHUT = b"\x30", b"\x31"


async def solver_fails(storm: Storm) -> None:
    """It is killed, out of time, or finds nothing."""
    solver = storm.brain.solver
    solver.fault = storm.die.choice(list(SolverFault))

    async def end() -> None:
        solver.fault = None

    storm.later(storm.die.random() * LONGEST_S, end)


async def solver_slow(storm: Storm) -> None:
    """It needs as long as it may, or longer."""
    solver = storm.brain.solver
    solver.slow_s = storm.die.random() * 30.0

    async def end() -> None:
        solver.slow_s = 0.0

    storm.later(storm.die.random() * LONGEST_S, end)


async def weather_wrong(storm: Storm) -> None:
    """Its source is silent, or says what cannot be."""
    storm.brain.sky = storm.die.choice(BAD_SKIES)

    async def end() -> None:
        storm.brain.sky = fine_sky

    storm.later(storm.die.random() * 4 * LONGEST_S, end)


async def device_deaf(storm: Storm) -> None:
    """It says yes and does nothing."""
    door = storm.brain.doors[storm.die.choice(STEERED)]
    door.obeys = False

    async def end() -> None:
        door.obeys = True

    storm.later(storm.die.random() * LONGEST_S, end)
    await owner_speaks(storm)


async def answers_lost(storm: Storm) -> None:
    """What devices are told they do, and nobody hears of it."""
    storm.street.air.weather = Weather(lost_to={OWN: 0.3 + 0.7 * storm.die.random()})
    await owner_speaks(storm)
    await storm.rest(10)
    storm.street.air.weather = Weather()


async def owner_speaks(storm: Storm) -> None:
    """Somebody wants an asset otherwise, for a while."""
    brain, home = storm.brain, storm.street.home
    assets = [one.id for one in brain.energy.control.assets() if one.model is not None]
    if assets:
        until = home.clock.now() + timedelta(seconds=60.0 + storm.die.random() * 3600.0)
        word = owner_proposal(storm.die.choice(assets), storm.die.choice(MODES), until)
        brain.energy.override(replace(word, want_kw=2.0 * storm.die.random(), energy_kwh=1.0))
    await storm.rest(5)


async def unlocked(storm: Storm) -> None:
    """A command that must never be sent twice, while answers or the power get lost."""
    brain, home = storm.brain, storm.street.home
    lock = brain.doors[LOCK]
    lock.behind.set(0x80, SHUT)
    host, eoj = storm.street.house.host_of(LOCK), Eoj.parse(str(lock.behind.eoj))
    wire, begun_s = Telling(home.client, brain.ledger), brain.ledger.now_s()
    not_after = home.clock.now() + timedelta(seconds=storm.die.choice((-1, 60)))
    is_late = home.clock.now() > not_after
    command = Command(host, eoj, {0x80: OPEN}, frozenset({0x80}), not_after, once=True)
    storm.street.air.weather = Weather(lost=storm.die.random())
    sending = asyncio.create_task(send(wire, command, home.clock))
    if storm.die.random() < 0.3:
        await storm.sleep(storm.die.random() * 10.0)
        storm.judge.remember(60)
        await storm.street.cut_power()
        await storm.street.switch_on()
    await storm.sleep(30.0)
    storm.street.air.weather = Weather()
    if not sending.done():
        brain.broken.append("a command was not decided after 15 s")
        sending.cancel()
        return
    if sending.exception() is not None:
        return  # its controller is gone
    sent = sending.result()
    showed_s = lock.showed.get((0x80, OPEN), -1.0)
    if sent.outcome is Outcome.CONFIRMED and (is_late or showed_s < begun_s):
        brain.broken.append("the lock is said to be open")
    if is_late and sent.outcome is not Outcome.EXPIRED:
        brain.broken.append(f"a command that was too late is {sent.outcome}")


PLAN: tuple[Fault, ...] = (
    solver_fails,
    solver_slow,
    weather_wrong,
    device_deaf,
    answers_lost,
    owner_speaks,
    owner_speaks,
    unlocked,
)
