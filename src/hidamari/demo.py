"""A living house with one command: the simulated devices, the controller, a year of history."""

import asyncio
import ctypes
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hidamari.core.clock import FastClock, RealClock, clock_from, clock_text, fast_clock_from_now
from hidamari.core.errors import InputError, StartError, StoreDamaged
from hidamari.core.time import from_unix
from hidamari.demo_home import USER, furnish
from hidamari.echonet.frame import PORT
from hidamari.sim.charger import one_way
from hidamari.sim.fleet import WITH_CHARGER
from hidamari.sim.replay import read_csv
from hidamari.sim.run import Net, SimHouse, run_recorded, world_of
from hidamari.store.files import load_file, save_file

READY_WITHIN_S = 120.0
END_WITHIN_S = 15.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h
STATE = "demo.json"
STATE_VERSION = 1
HOUSE = "house.json"
CLOUD_BESIDE = 100  # the port of the service after that of the home
BLOCKS = 255  # blocks 127.0.n of the loopback network, for the simulated devices
HOSTS = range(2, 20)


@dataclass(frozen=True, slots=True)
class DemoWishes:
    """What the command line said."""

    data: Path | None
    port: int
    speed: float
    seed: int
    days: int
    as_json: bool


@dataclass(frozen=True, slots=True)
class DemoState:
    """What a demo remembers between two starts."""

    password: str
    seed: int
    shown_unix_s: float  # the time its clock showed last: a fast demo is ahead of the world

    def save(self, folder: Path) -> None:
        """Write it whole or not at all."""
        save_file(folder / STATE, json.dumps(asdict(self)).encode(), STATE_VERSION)

    @classmethod
    def load(cls, folder: Path) -> "DemoState | None":
        """What the last demo in this folder left, or None."""
        path = folder / STATE
        try:
            found = load_file(path)
            return cls(**json.loads(found.content)) if found else None
        except (StoreDamaged, ValueError, TypeError):
            raise InputError(
                f"{path}: the file of a demo expected; remove it to begin anew"
            ) from None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a demo lives, what it remembers, and the address of its server service."""

    folder: Path
    state: DemoState
    service: str


def run_demo(wishes: DemoWishes) -> int:
    """Run until Ctrl-C; the exit status."""
    folder = wishes.data or default_folder()
    need_free_port(wishes.port)
    folder.mkdir(parents=True, exist_ok=True)
    state = DemoState.load(folder) or DemoState(secrets.token_urlsafe(9), wishes.seed, 0.0)
    say(wishes, f"陽だまり Hidamari: preparing the house in {folder}")
    service = f"http://localhost:{free_port(wishes.port + CLOUD_BESIDE)}"
    stop_on_signals()
    # Beside the furnishing, which takes as long.
    children = [start(cloud_command(folder / "cloud", service))]
    try:
        shown = max(RealClock().now(), from_unix(state.shown_unix_s))
        state.save(folder)  # before the owner exists: the password that was told stays his
        known = furnish(folder, state.seed, shown, wishes.days, state.password)
        clock = fast_clock_from_now(max(known, RealClock().now()), wishes.speed)
        try:
            live(wishes, Place(folder, state, service), clock, children)
        finally:
            end(children)
            replace(state, shown_unix_s=clock.now().timestamp()).save(folder)
    except (KeyboardInterrupt, SystemExit):
        return 0
    finally:
        end(children)
    return 1


def live(
    wishes: DemoWishes, place: Place, clock: FastClock, children: list[subprocess.Popen[str]]
) -> None:
    """Start house and controller, tell where they are, and wait until one of them ends."""
    folder, state, service = place.folder, place.state, place.service
    net = free_block(wishes.port)
    text = clock_text(clock)
    house = ["sim", "--net", f"{net}.0/24", "--seed", str(state.seed)]
    house += ["--state", str(folder / HOUSE)]
    children.append(start([*house, "--clock", text, "--json"]))
    probe = ",".join(f"{net}.{host}" for host in HOSTS)
    home = ["home", "--data", str(folder), "--port", str(wishes.port), "--bind", f"{net}.1"]
    home += ["--probe", probe, "--clock", text, "--demo", "--ready-json"]
    home += ["--https-port", "0", "--cloud", service]
    children.append(start(home))  # beside the house: who comes later is heard or asked again
    wait_ready(children[1], "the simulated house")
    ready = wait_ready(children[2], "the controller")
    mailbox = str(wait_ready(children[0], "the server service")["mailbox"])
    if wishes.as_json:
        line = {"ready": True, "url": ready["url"], "user": USER, "password": state.password}
        print(json.dumps({**line, "cloud_url": service, "mailbox": mailbox}), flush=True)
    else:
        print(welcome(str(ready["url"]), state.password, service, mailbox), flush=True)
    wait_for_end(children)


def cloud_command(folder: Path, url: str) -> list[str]:
    """The server service of a demo: its own small store, its mails on a page."""
    port = url.rpartition(":")[2]
    kept = ["--data", str(folder), "--mailbox"]
    return ["cloud", *kept, "--port", port, "--public-url", url, "--json"]


def welcome(url: str, password: str, service: str, mailbox: str) -> str:
    """Where the pages are and how to sign in."""
    return f"""
  陽だまり Hidamari

  {url}
  user      {USER}
  password  {password}

  The same house from outside: {service}
  Nothing leaves the house before you link it: create an account there, its mails arrive at
  {mailbox}
  then open Settings, "Use from outside" in the house, and enter its two codes.

  The devices are simulated and speak real ECHONET Lite. Sun and load were measured in
  another home: CityLearn (MIT). Ctrl-C ends everything; starting again goes on from here.
"""


def default_folder() -> Path:
    """Where a demo lives when nobody says otherwise."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
    return Path(base) / "hidamari/demo"


def say(wishes: DemoWishes, text: str) -> None:
    """Tell a person; scripts get their one line only."""
    if not wishes.as_json:
        print(text, flush=True)


def need_free_port(port: int) -> None:
    """Refuse to start when somebody else answers on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise StartError(
                f"port {port} is taken by another program; choose one with --port"
            ) from None


def free_port(wanted: int) -> int:
    """The wanted port, or any other where somebody has it."""
    for port in (wanted, 0):
        with socket.socket() as probe, suppress(OSError, OverflowError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise StartError("a free port on this machine was expected")


def free_block(port: int) -> str:
    """A block 127.0.n in which the whole house finds port 3610 free.

    The page's port says where to begin, so that two demos of one moment do not take the same.
    """
    for step in range(BLOCKS):
        net = f"127.0.{(port + step) % BLOCKS}"
        if all(is_free(f"{net}.{host}") for host in (1, *HOSTS)):
            return net
    raise StartError(
        f"UDP port {PORT} is taken on every loopback address: another ECHONET Lite program runs"
        " on all addresses of this machine; end it"
    )


def is_free(host: str) -> bool:
    """Whether UDP port 3610 of an address can be had."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, PORT))
        except OSError:
            return False
    return True


def start(arguments: list[str]) -> subprocess.Popen[str]:
    """Start one of our own commands in its own process group; it ends when we end."""
    return subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "hidamari", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=end_with_parent,  # noqa: PLW1509  nothing else runs in this process
    )


def end_with_parent() -> None:
    """Have the kernel stop this process when the demo is killed (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_ready(child: subprocess.Popen[str], name: str) -> dict[str, object]:
    """Read the child's ready line; StartError when it ends or stays silent."""
    if child.stdout is None:
        raise StartError(f"{name} has no output")
    readable, _, _ = select.select([child.stdout], [], [], READY_WITHIN_S)
    line = child.stdout.readline() if readable else ""
    try:
        ready: dict[str, object] = json.loads(line)
    except ValueError:
        what = "did not start" if child.poll() is not None else "is not ready in time"
        raise StartError(f"{name} {what}") from None
    return ready


def wait_for_end(children: list[subprocess.Popen[str]]) -> None:
    """Wait until a child ends by itself."""
    while True:
        for child in children:
            try:
                child.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue
            return


def stop_on_signals() -> None:
    """SIGTERM ends a demo as Ctrl-C does, which a shell turns off for what runs behind it."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def end(children: list[subprocess.Popen[str]]) -> None:
    """End everything that was started, one by one: the controller still speaks to its devices."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    for child in reversed(children):
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class SimWishes:
    """What the command line said about the house alone."""

    net: str
    seed: int
    state: Path | None
    recorded: Path | None
    series: Path | None
    clock: str
    as_json: bool
    has_charger: bool = False  # the car's stand only charges


def run_sim_command(wishes: SimWishes) -> int:
    """Serve the simulated house, or the devices of a file, until told to stop."""
    stop_on_signals()

    def ready() -> None:
        words = f"the simulated house answers at {wishes.net}, UDP port {PORT}"
        print(
            json.dumps({"ready": True, "net": wishes.net}) if wishes.as_json else words, flush=True
        )

    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        if wishes.recorded is not None:
            asyncio.run(run_recorded(wishes.net, wishes.recorded, ready))
        else:
            asyncio.run(_serve_house(wishes, ready))
    return 0


async def _serve_house(wishes: SimWishes, ready: Callable[[], None]) -> None:
    """The house of the seed, or one that lives the days of a person's own series."""
    clock = clock_from(wishes.clock)
    replay = read_csv(wishes.series, wishes.seed) if wishes.series else None
    world = world_of(wishes.seed, clock, wishes.state, replay)
    house = SimHouse(world, clock, Net.parse(wishes.net), wishes.state)
    if wishes.has_charger:
        world.state, house.devices = one_way(world.state), WITH_CHARGER
    await house.serve(ready)
