"""A command is done only when the device was seen to follow it (B10, T11)."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from tests.control.wires import ScriptedWire
from tests.whole.air import Air
from tests.whole.loop import LoopClock, run

from hidamari.core.errors import DeviceSilent
from hidamari.echonet.client import Client
from hidamari.echonet.frame import Eoj
from hidamari.echonet.neighbours import Search
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label
from hidamari.home.sending import CONFIRM_WITHIN_S, Command, Outcome, Sent, send

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
BATTERY = Eoj.parse("027D01")
LOCK = Eoj.parse("026F01")
CASES = 500
SEED = int(os.environ.get("SEED", "1"))


def command(once: bool = False, **more: object) -> Command:
    values = {0xE0: b"\x41"} if once else {0xAA: b"\x00\x00\x07\xd0", 0xDA: b"\x42"}
    shown = frozenset({0xE0} if once else {0xDA})
    given = {"not_after": NOW + timedelta(seconds=60), "once": once} | more
    return Command("192.0.2.7", LOCK if once else BATTERY, values, shown, **given)


def sent(wire: ScriptedWire, what: Command) -> tuple[Sent, float]:
    """Send it in virtual time; the outcome, and how many seconds it took."""

    async def go() -> tuple[Sent, float]:
        begun_s = asyncio.get_running_loop().time()
        found = await send(wire, what, LoopClock(NOW))
        return found, asyncio.get_running_loop().time() - begun_s

    return run(go())


def test_what_the_device_shows_is_confirmed():
    wire = ScriptedWire(Random(1))
    found, took_s = sent(wire, command())
    assert found.outcome is Outcome.CONFIRMED
    assert found.read[0xDA] == b"\x42"
    assert took_s < 1.0


def test_a_device_that_says_yes_and_does_nothing_is_not_confirmed():
    wire = ScriptedWire(Random(1), disobeys=frozenset({0xDA}), state={0xDA: b"\x46"})
    found, took_s = sent(wire, command())
    assert found.outcome is Outcome.NOT_CONFIRMED
    assert took_s <= CONFIRM_WITHIN_S + 0.1


def test_a_refusal_is_told_as_such():
    wire = ScriptedWire(Random(1), refuses=frozenset({0xDA}), state={0xDA: b"\x46"})
    assert sent(wire, command())[0].outcome is Outcome.REFUSED


def test_a_command_that_is_too_late_is_not_sent():
    wire = ScriptedWire(Random(1))
    found, _ = sent(wire, command(not_after=NOW - timedelta(seconds=1)))
    assert found.outcome is Outcome.EXPIRED
    assert wire.sent == 0


@pytest.mark.t(11)
def test_an_order_that_waits_behind_others_for_too_long_is_told_in_time_and_never_sent():
    """Three readings of a device that keeps silent go first; each takes seven seconds."""

    async def go() -> tuple[Sent, float, int]:
        air = Air(1)
        client = Client(Setup(Label(b"HOME"), search=Search()), air.connect("192.0.2.1"))
        what = command()
        readings = [asyncio.create_task(client.get(what.host, BATTERY, (0xDA,))) for _ in range(3)]
        await asyncio.sleep(0)
        begun_s = asyncio.get_running_loop().time()
        found = await send(client, what, LoopClock(NOW))
        took_s = asyncio.get_running_loop().time() - begun_s
        await asyncio.wait(readings)
        await asyncio.sleep(60.0)
        client.close()
        assert all(isinstance(one.exception(), DeviceSilent) for one in readings)
        return found, took_s, len(air.told)

    found, took_s, told = run(go())
    assert found.outcome is Outcome.NOT_CONFIRMED
    assert took_s <= CONFIRM_WITHIN_S + 0.1
    assert told == 0


@pytest.mark.t(11)
def test_losing_requests_answers_or_power_never_makes_a_false_done_nor_a_second_unlock():
    """500 cases: any of request, answer, power lost at random; half of them of class C3."""
    die = Random(SEED)
    outcomes = dict.fromkeys(Outcome, 0)
    for case in range(CASES):
        once = case % 2 == 0
        wire = ScriptedWire(
            Random(die.random()),
            lost_request=die.choice((0.0, 0.3, 0.7, 1.0)),
            lost_answer=die.choice((0.0, 0.3, 0.7, 1.0)),
            disobeys=frozenset({0xDA, 0xE0}) if die.random() < 0.2 else frozenset(),
            dies_at_s=die.choice((float("inf"), float("inf"), die.random() * 12.0)),
            state={0xDA: b"\x46", 0xE0: b"\x42"},
        )
        what = command(once)
        found, took_s = sent(wire, what)
        outcomes[found.outcome] += 1
        is_done = all(wire.state[epc] == what.values[epc] for epc in what.shown)
        assert not (found.outcome is Outcome.CONFIRMED and not is_done), (SEED, case)
        assert took_s <= CONFIRM_WITHIN_S + 0.1, (SEED, case)
        if once:
            assert len(wire.ran) <= 1, (SEED, case)
            assert wire.sent <= 1, (SEED, case)
    # The die must have shown both sides, or the test proves nothing.
    assert outcomes[Outcome.CONFIRMED] > 50
    assert outcomes[Outcome.NOT_CONFIRMED] > 50
