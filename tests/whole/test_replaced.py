"""A unit takes the place of another one: names, circuits and history go on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.whole.loop import run
from tests.whole.street import MIDNIGHT, a_street, misses

from hidamari.core.errors import InputError
from hidamari.core.reading import SeriesKey
from hidamari.home.view import Edit

NOON = MIDNIGHT - timedelta(hours=12)


@pytest.mark.t(8)
def test_a_new_board_goes_on_with_the_circuits_of_the_old_one() -> None:
    async def lived() -> None:
        async with a_street(start=NOON - timedelta(minutes=10)) as street:
            street.keep_only("board", "smart_meter")
            home = await street.switch_on()
            await street.until(NOON)
            board, wires = street.id_of("board"), list(home.inventory.wires)
            home.edit_circuit("circuit:1", Edit(name="台所"))
            with pytest.raises(InputError, match="another device expected"):
                home.replace_device(board, board)
            assert home.inventory.wires == wires

            node = street.house._node("board")
            node.label = replace(node.label, number=b"ANOTHER BOARD")
            street.house.come_back("board")
            home.search(start=True)
            await street.until(NOON + timedelta(minutes=3))
            new = street.id_of("board")
            assert new != board
            assert f"circuit:{new}-1" in home.house.circuits
            home.replace_device(board, new)

            assert home.inventory.wires == wires
            assert home.house.circuits_of(board) == [wire.circuit for wire in wires]
            assert home.house.circuits["circuit:1"].name == "台所"
            counted = home.recorder.counting.meters
            first = counted[SeriesKey("circuit:1", "energy_kwh")]
            assert first.live is home.house.devices[board]
            assert first.state.base is None  # its counter begins anew
            assert new not in {key.device.removeprefix("circuit:")[: len(new)] for key in counted}

            await street.until(NOON + timedelta(minutes=63))
            later = NOON + timedelta(minutes=30)
            assert misses(street, later, 1, [f"circuit:{n}" for n in range(1, 21)]) == []
            assert not [code for code in street.codes() if code.startswith("counter_")]

    run(lived())
