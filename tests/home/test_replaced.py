"""A device that was exchanged for a new one of its kind."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from tests.whole.air import Air
from tests.whole.street import OWN

from hidamari.core.clock import VirtualClock
from hidamari.echonet.client import Client
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label
from hidamari.home.app import Home, Means
from hidamari.home.house import Circuit
from hidamari.home.registry import Seen
from hidamari.home.view import Edit
from hidamari.store.db import Store

NOW = datetime(2026, 11, 20, 1, 42, tzinfo=UTC)


def test_what_was_said_of_the_new_device_holds_for_the_one_whose_place_it_takes(
    tmp_path: Path,
) -> None:
    async def live() -> None:
        store = Store.open(tmp_path, NOW, ballast_bytes=0)
        client = Client(Setup(Label(b"HOMECONTROLLER")), Air(1).connect(OWN))
        home = Home(Means(tmp_path, store, client, VirtualClock(NOW)))
        old, new = (
            home.inventory.registry.bind(
                Seen("battery", f"{host}#027D01", False, host, "027D01"), 0
            )[0].id
            for host in ("192.0.2.1", "192.0.2.2")
        )
        home.finder.remember()
        home.edit_device(old, Edit(hidden=True))
        home.house.circuits["c:1"] = Circuit("c:1", "board", "1", "Battery")
        home.edit_circuit("c:1", Edit(device=new))
        home.replace_device(old, new)
        found = home.devices("en")
        assert [(one.id, one.host, one.hidden) for one in found] == [(old, "192.0.2.2", False)]
        assert home.house.circuits["c:1"].device == old
        client.close()
        store.close()

    asyncio.run(live())
