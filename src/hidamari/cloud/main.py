"""Runs the service: store, mails, doors, until it is told to stop."""

import asyncio
import json
import logging
import signal
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hidamari.cloud import auditing, letters, pruning
from hidamari.cloud.access import AccountDirectory
from hidamari.cloud.app import create_app
from hidamari.cloud.bus import LocalBus
from hidamari.cloud.database import Database
from hidamari.cloud.hub import Hub, Parts
from hidamari.cloud.mail import Mailbox, Post, smtp_of
from hidamari.cloud.place import Place, place_of
from hidamari.cloud.private import private_folder
from hidamari.cloud.routes.mailbox import PATH as MAILBOX
from hidamari.cloud.service import Service
from hidamari.cloud.stores import open_store
from hidamari.core.clock import Clock, RealClock
from hidamari.core.errors import InputError, StartError, StoreBusy
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.passwords import Hashing
from hidamari.http.serve import Room, serve

logger = logging.getLogger(__name__)

DEFAULT_STORE = "sqlite:///cloud.db"
MAILBOX_FOLDER = "mailbox"
MAILBOX_SENDER = "hidamari@localhost"
# Each home holds one connection; the operating system's limit of open files is the other bound.
ROOM = Room(connections=20_000, message_bytes=1 << 20, backlog=4096, ping_s=None)


@dataclass(frozen=True, slots=True)
class CloudWishes:
    """What the command line asks for."""

    store: str
    data: Path
    port: int
    bind: str = "127.0.0.1"
    mail: str = ""  # empty: the mailbox of a demo
    public_url: str = ""  # empty: this machine
    certificate: tuple[Path, Path] | None = None  # chain and key; None: a proxy ends TLS, or none


def run_cloud(wishes: CloudWishes, *, ready_json: bool) -> int:
    """Run the service until it is told to stop; the exit status."""
    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel("WARNING")  # what it did shows only where it fails
    asyncio.run(_run(wishes, ready_json=ready_json))
    return 0


async def _run(wishes: CloudWishes, *, ready_json: bool) -> None:
    tls = None if wishes.certificate is None else _tls(*wishes.certificate)
    listening = Listening(DoorPlan(wishes.bind, wishes.port, None))
    try:
        here = f"{'http' if tls is None else 'https'}://127.0.0.1:{listening.http_port}"
        place = place_of(wishes.public_url or here)
        private_folder(wishes.data)
        async with opened(wishes, place, RealClock()) as (service, hub):
            loop, me = asyncio.get_running_loop(), asyncio.current_task()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, lambda: me.cancel() if me is not None else None)
            door = serve(create_app(service, hub), listening, room=replace(ROOM, tls=tls))
            async with living(service, hub, door):
                print(_ready(service, as_json=ready_json), flush=True)
                await asyncio.Event().wait()
    except asyncio.CancelledError:
        logger.info("stopped")
    except OSError as error:
        raise StartError(f"{wishes.data}: a folder to write to expected: {error}") from None
    finally:
        listening.close()


@asynccontextmanager
async def opened(
    wishes: CloudWishes, place: Place, clock: Clock, hashing: Hashing | None = None
) -> AsyncIterator[tuple[Service, Hub]]:
    """The parts over both open stores; the database first, for its lock keeps others out.

    `hashing` is another cost of hashes than that of a real service.
    """
    mailbox, post = _mails(wishes, place, clock)
    store = open_store(wishes.store, wishes.data, clock)
    database = Database(wishes.store, wishes.data)
    async with AsyncExitStack() as open_parts:
        open_parts.push_async_callback(database.close)
        await database.open()
        open_parts.push_async_callback(store.close)
        await store.open()
        bus = LocalBus(clock)
        service = Service(database, clock, place, post, hashing or Hashing(), bus, store, mailbox)
        yield service, Hub(Parts(store, AccountDirectory(service), bus, clock))


def _mails(wishes: CloudWishes, place: Place, clock: Clock) -> tuple[Mailbox | None, Post]:
    if wishes.mail:
        smtp, sender = smtp_of(wishes.mail)
        return None, Post(smtp, sender, clock)
    if not place.is_loopback:
        raise InputError("a mailbox is for this machine only: --mail smtp://... expected")
    mailbox = Mailbox(wishes.data / MAILBOX_FOLDER)
    return mailbox, Post(mailbox, MAILBOX_SENDER, clock)


@asynccontextmanager
async def living(
    service: Service, hub: Hub, door: Coroutine[None, None, None]
) -> AsyncIterator[None]:
    """Mails, doors and links work; at the end homes are sent away while the doors are open.

    Raises StoreBusy when another service took the store over.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(letters.run(service), name="mails"),
                tasks.create_task(pruning.run(service), name="pruning"),
                tasks.create_task(auditing.run(service), name="auditing"),
                tasks.create_task(service.database.stay_owner(), name="owner"),
                tasks.create_task(door, name="doors"),
            ]
            async with hub.running():
                yield
            for task in work:
                task.cancel()
    except ExceptionGroup as errors:
        if errors.subgroup(StoreBusy) is None:
            raise
        raise StoreBusy("another service took this store over: this one ends") from None


def _ready(service: Service, *, as_json: bool) -> str:
    url = service.place.url
    mailbox = f"{url}{MAILBOX}" if service.mailbox is not None else None
    if as_json:
        return json.dumps({"ready": True, "url": url, "mailbox": mailbox})
    words = f"\n  Hidamari server service  {url}\n"
    return words if mailbox is None else f"{words}  mails                    {mailbox}\n"


def _tls(chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(chain, key)
    except (OSError, ssl.SSLError) as error:
        raise StartError(
            f"a certificate and its key expected in {chain} and {key}: {error}"
        ) from None
    return context
