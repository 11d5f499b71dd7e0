"""Puts a home process together: start-up values, history, network, house and web page."""

import asyncio
import json
import logging
import secrets
import signal
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from starlette.types import ASGIApp

from hidamari import __version__
from hidamari.api.announce import Announcement, announce
from hidamari.api.app import REVISION, Options, create_app
from hidamari.api.auth import FILE as ACCOUNTS
from hidamari.api.auth import Auth
from hidamari.api.certificate import door_key
from hidamari.api.relayed import admit
from hidamari.core.clock import Clock, clock_from
from hidamari.core.errors import InputError, StartError
from hidamari.core.startup import DATA_FOLDER
from hidamari.devices import KINDS, kind_of
from hidamari.echonet.client import Client
from hidamari.echonet.discovery import SUPER_CLASS
from hidamari.echonet.frame import Eoj
from hidamari.echonet.neighbours import Search
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label
from hidamari.echonet.udp import mac_of
from hidamari.home.app import Home, Means
from hidamari.home.device_key import own_identity
from hidamari.home.energy import Energy
from hidamari.home.run import run_home as run_all
from hidamari.home.showing import shown
from hidamari.home.start import Beat, HomeWishes, own_names
from hidamari.home.uplink import Uplink, Way
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.porch import Porch
from hidamari.http.serve import serve
from hidamari.link.dial import dialler, server_name
from hidamari.link.enrol import Enrolment
from hidamari.link.relay import Relay
from hidamari.plan.solver import ProcessSolver
from hidamari.store.db import Store
from hidamari.store.journal import JsonValue
from hidamari.store.lock import FolderLock

logger = logging.getLogger(__name__)

NODE_NUMBER = "node_number"  # where the store keeps what tells our node from all others (EPC 83)
NODE_NUMBER_BYTES = 13
PRODUCT = "hidamari"


@dataclass(frozen=True, slots=True)
class Ready:
    """What a script waits for: the page answers and the first reading is stored."""

    url: str
    secure_url: str | None
    door_sha256: str | None
    user: str | None
    password: str | None

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(
            {
                "ready": True,
                "url": self.url,
                "secure_url": self.secure_url,
                "door_sha256": self.door_sha256,
                "user": self.user,
                "password": self.password,
            }
        )

    def words(self) -> str:
        """The same for a person."""
        lines = ["", f"  Hidamari  {self.url}"]
        if self.secure_url:
            lines.append(f"            {self.secure_url}")
        if self.door_sha256:
            lines.append(f"  fingerprint of its certificate (SHA-256): {self.door_sha256}")
        if self.password:
            lines.append(f"  first sign-in: user {self.user}, password {self.password}")
        return "\n".join([*lines, ""])


def run_home(wishes: HomeWishes, porch: Porch, problems: list[str], *, ready_json: bool) -> int:
    """Run a home until it is told to stop; the exit status.

    `porch` stands before its open door, `problems` are those of the start-up file.
    """
    level = wishes.log_level.upper()
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    for problem in problems:
        logger.warning("%s", problem)
    try:
        asyncio.run(_run(wishes, porch, ready_json=ready_json))
    finally:
        porch.listening.close()
    return 0


def search_once(bind: str, probe: tuple[str, ...], seconds: float) -> list[JsonValue]:
    """Every device that answers within `seconds`, with all its values."""
    return asyncio.run(_search_once(bind, probe, seconds))


def forget_users(folder: Path) -> None:
    """Remove the accounts of a stopped home; InputError where there are none."""
    accounts = folder / ACCOUNTS
    if not accounts.exists():
        raise InputError(f"{folder}: the data folder of a home expected, it has no {ACCOUNTS}")
    lock = FolderLock(folder)
    try:
        for path in folder.glob(f"{ACCOUNTS}*"):
            path.unlink()
    finally:
        lock.release()


async def _run(wishes: HomeWishes, porch: Porch, *, ready_json: bool) -> None:
    clock = clock_from(wishes.clock)
    folder = wishes.data or DATA_FOLDER
    store = open_store(folder, clock)
    try:
        client = open_client(store, wishes.bind)
        try:
            means = Means(folder, store, client, clock, wishes.probe, wishes.is_demo)
            alone = ip_address(wishes.bind).is_loopback
            home = Home(means)
            await _live(home, porch, wishes, ready_json=ready_json, alone=alone)
        finally:
            client.close()
    finally:
        store.close()


async def _live(
    home: Home, porch: Porch, wishes: HomeWishes, *, ready_json: bool, alone: bool
) -> None:
    """Run all parts until a signal ends the process; `alone`: nobody on a LAN is told of us."""
    auth = Auth(home.folder, home.clock)
    first = auth.first_password()
    names, listening = own_names(), porch.listening
    key = door_key(home.folder, names, home.clock.now())
    energy = Energy(home, home.client, ProcessSolver())
    sha256 = key.sha256 if listening.https_port else None
    options = Options(
        https_port=listening.https_port, door_sha256=sha256, names=names, energy=energy
    )
    app = create_app(home, auth, options)
    uplink = linked(home, app, wishes, f"http://{names[1]}:{listening.http_port}")
    url = f"http://localhost:{listening.http_port}"
    secure = f"https://localhost:{listening.https_port}" if listening.https_port else None
    ready = Ready(url, secure, sha256, *(first or (None, None)))
    beat = Beat()
    porches: list[Porch] = [porch]

    async def web() -> None:
        if porches:
            await asyncio.to_thread(porches.pop().leave)
            found = listening
        else:
            found = Listening(_same(listening))
        await serve(app, found, key.context())

    async def tell_ready() -> None:
        beat.ready()
        if not ready_json:  # a first password must be seen also where no device answers
            print(ready.words(), flush=True)
        await home.first_stored.wait()
        if ready_json:
            print(ready.line(), flush=True)

    parts = {"web": web, "ready": tell_ready, **energy.parts()}
    if uplink is not None:
        parts |= {"link": uplink.run, "upload": uplink.upload}
    if not alone:
        told = Announcement(home.settings.home.name, listening.http_port, __version__)
        parts["mdns"] = lambda: announce(told)
    try:
        await _until_told(run_all(home, parts, beat))
    finally:
        await energy.stop()


async def _until_told(work: Coroutine[None, None, None]) -> None:
    """Run until a signal ends it."""
    running = asyncio.create_task(work, name="home")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        logger.info("stopped")


def linked(home: Home, app: ASGIApp, wishes: HomeWishes, lan_url: str) -> Uplink | None:
    """The way to the server service that was named; StartError where its certificates fail."""
    if wishes.cloud is None:
        return None
    try:
        context = ssl.create_default_context(cafile=wishes.cloud_ca)
    except OSError as error:
        raise StartError(f"the certificates {wishes.cloud_ca} cannot be used: {error}") from None
    try:
        identity = own_identity(home.folder)
    except OSError as error:  # the home goes on without the service
        logger.error("no link to the service: the device key cannot be read: %s", error)
        return None
    way = Way(
        url=wishes.cloud,
        server_name=server_name(wishes.cloud),
        version=__version__,
        revision=REVISION,
        desk=Enrolment(wishes.cloud, identity, context),
        dial=dialler(wishes.cloud, context),
        lan_url=lan_url,
    )
    return Uplink(home, identity, way, Relay(app, admit, home.store.answers))


def open_store(folder: Path, clock: Clock) -> Store:
    """The history of the data folder; StartError where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Store.open(folder, clock.now())
    except OSError as error:
        raise StartError(f"the data folder {folder} cannot be used: {error.strerror}") from None


def open_client(store: Store, bind: str) -> Client:
    """Our ECHONET Lite node with the same identity at every start."""
    number = store.get_kv(NODE_NUMBER)
    if number is None:
        number = secrets.token_bytes(NODE_NUMBER_BYTES)
        store.put_kv(NODE_NUMBER, number)
    return connect(number, bind)


def connect(number: bytes, bind: str) -> Client:
    """Our node on an address of this machine.

    On loopback there is no multicast: every program of this machine would hear it, also the
    devices of another demo. Addresses are listed there.
    """
    multicast = not ip_address(bind).is_loopback
    search = Search(known_epcs=known_epcs, mac=mac_of, multicast=multicast)
    setup = Setup(Label(number, product=PRODUCT), search=search)
    return Client.open(setup, bind, multicast=multicast)


def known_epcs(class_code: int) -> list[int]:
    """The EPCs worth asking of a class whose property map is missing or short."""
    kind = KINDS.get(class_code)
    return [*kind.props] if kind else list(SUPER_CLASS)


def _same(listening: Listening) -> DoorPlan:
    return DoorPlan(http_port=listening.http_port, https_port=listening.https_port)


async def _search_once(bind: str, probe: tuple[str, ...], seconds: float) -> list[JsonValue]:
    client = connect(secrets.token_bytes(NODE_NUMBER_BYTES), bind)
    try:
        await client.discover(probe, within_s=seconds)
        return [
            await _one(client, host, found.eoj, found.maps.readable)
            for host, node in client.nodes.items()
            for found in node.objects
        ]
    finally:
        client.close()


async def _one(client: Client, host: str, eoj: Eoj, readable: frozenset[int]) -> JsonValue:
    """One object with every property it lets us read."""
    answer = await client.get(host, eoj, sorted(readable))
    device = kind_of(eoj.class_code)(eoj, answer.values)
    values = device.values()
    properties: list[JsonValue] = []
    for epc, edt in answer.values.items():
        line: dict[str, JsonValue] = {"epc": f"{epc:02X}", "raw": edt.hex().upper()}
        prop = device.props.get(epc)
        if prop is not None:
            value, unit, _ = shown(prop, values[prop.name], "en")
            line |= {"name": prop.name, "value": value, "unit": unit}
        properties.append(line)
    return {"host": host, "eoj": str(eoj), "kind": device.kind, "properties": properties}
