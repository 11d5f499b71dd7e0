"""ECHONET Lite: decoding, request overhead, reading a home, polling many nodes.

The peer is pychonet from PyPI, measured in the same run. Devices run in a process of their own, on
loopback addresses, so that only the controller's time is counted. Rates are per second of one
core (processor time): a busy machine does not change them.
"""

import asyncio
import multiprocessing
import random
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event as Signal

from pychonet import ECHONETAPIClient
from pychonet.lib.functions import decodeEchonetMsg
from pychonet.lib.udpserver import UDPServer
from tests.echonet.home26 import load

from hidamari.devices.battery import Battery
from hidamari.echonet.client import Client
from hidamari.echonet.discovery import NodeRecord
from hidamari.echonet.frame import PORT, Eoj, Esv, Frame, Property
from hidamari.echonet.neighbours import Search
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label

BATTERY = Eoj(0x02, 0x7D, 0x01)
# Ten properties of a storage battery with data of the right sizes.
TEN = {
    0x80: "30",
    0xA0: "00002710",
    0xA1: "00002648",
    0xA4: "00000FA0",
    0xA5: "00001130",
    0xCF: "42",
    0xD3: "000005DC",
    0xDA: "46",
    0xE4: "2A",
    0xE6: "04",
}
PROPS = tuple(Property(epc, bytes.fromhex(edt)) for epc, edt in TEN.items())
ANSWER = Frame(0x1234, BATTERY, Eoj(5, 0xFF, 1), Esv.GET_RES, PROPS).to_bytes()
ROUNDS = 40
DECODES = 4_000
REQUESTS = 1000
NODES = 250
POLL_S = 6.0  # 250 nodes are polled once in this time, the result is for once a minute

Figure = dict[str, object]


def figures() -> list[Figure]:
    """All figures of this part."""
    net = f"127.{random.randint(64, 250)}.{random.randint(1, 250)}."
    decode = decoding()
    with process(serve_home, net + "2"):
        overhead, home = asyncio.run(with_home(net))
    with process(serve_many, net):
        polling = asyncio.run(poll_many(net))
    return [decode, overhead, home, polling]


# -- decoding ------------------------------------------------------------------------------------


def decoding() -> Figure:
    """Bytes to typed values of a device kind, against pychonet's bytes to raw properties.

    Of many short rounds the best counts, for both: what others do on the machine only takes away.
    """
    ours, theirs = [], []
    for _ in range(ROUNDS):  # in turns, so that both meet the same state of the machine
        ours.append(rate(typed))
        theirs.append(rate(lambda: decodeEchonetMsg(ANSWER)))
    value, peer = max(ours), max(theirs)
    return {
        "name": "typed decode of a 10-property answer",
        "value": round(value),
        "unit": "frames/s",
        "peer": f"pychonet raw {round(peer)} frames/s",
        "ratio": round(value / peer, 2),
        "bar": ">= 100000 frames/s and >= 0.25x",
        "ok": value >= 100_000 and value / peer >= 0.25,
    }


def typed() -> dict[str, object | None]:
    """An answer's bytes to all of its typed values by name, as the page of a device shows them."""
    frame = Frame.from_bytes(ANSWER)
    return Battery(frame.seoj, dict(frame.props)).values()


def rate(work: Callable[[], object]) -> float:
    """Calls per second of processor time."""
    started_s = time.process_time()
    for _ in range(DECODES):
        work()
    return DECODES / (time.process_time() - started_s)


# -- requests ------------------------------------------------------------------------------------


async def with_home(net: str) -> tuple[Figure, Figure]:
    """Overhead of a request, and reading the 26-object home completely."""
    setup = Setup(Label(b"bench-control"), search=Search(multicast=False))
    client = Client.open(setup, net + "1", multicast=False)
    try:
        (record,) = await client.discover([net + "2"])
        ours_ms = await request_ms(client, net + "2")
        raw_ms = await asyncio.to_thread(bare_ms, net)
        started_s = time.perf_counter()
        count = await read_everything(client, record)
        took_s = time.perf_counter() - started_s
    finally:
        client.close()
    peer_ms, peer_s = await pychonet_read(net)
    overhead: Figure = {
        "name": "overhead of a 10-property request",
        "value": round(ours_ms - raw_ms, 3),
        "unit": "ms",
        "peer": f"bare socket {raw_ms:.3f} ms, pychonet {peer_ms:.1f} ms in all",
        "ratio": round(ours_ms / peer_ms, 4),
        "bar": "<= 1 ms",
        "ok": ours_ms - raw_ms <= 1.0,
    }
    home: Figure = {
        "name": f"home of 26 objects, {count} properties read",
        "value": round(took_s, 3),
        "unit": "s",
        "peer": f"pychonet {peer_s:.1f} s",
        "ratio": round(took_s / peer_s, 4),
        "bar": "<= 1 s",
        "ok": took_s <= 1.0,
    }
    return overhead, home


async def request_ms(client: Client, host: str) -> float:
    """Median time of a 10-property Get through the client."""
    times = []
    for _ in range(REQUESTS):
        started_s = time.perf_counter()
        answer = await client.get(host, BATTERY, TEN)
        times.append(time.perf_counter() - started_s)
        assert len(answer.values) == len(TEN)
    return 1000 * statistics.median(times)


def bare_ms(net: str) -> float:
    """Median time of the same exchange with nothing but a socket."""
    ask = Frame(1, Eoj(5, 0xFF, 1), BATTERY, Esv.GET, tuple(Property(epc) for epc in TEN))
    data, times = ask.to_bytes(), []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((net + "4", PORT))
        sock.settimeout(2)
        for _ in range(REQUESTS):
            started_s = time.perf_counter()
            sock.sendto(data, (net + "2", PORT))
            sock.recv(2000)
            times.append(time.perf_counter() - started_s)
    return 1000 * statistics.median(times)


async def read_everything(client: Client, record: NodeRecord) -> int:
    """Every readable property of every object; how many came."""
    count = 0
    for thing in record.objects:
        answer = await client.get(record.host, thing.eoj, sorted(thing.maps.readable))
        assert not answer.refused
        count += len(answer.values)
    return count


async def pychonet_read(net: str) -> tuple[float, float]:
    """The peer: milliseconds of one such Get, and seconds for reading the home."""
    server = UDPServer(local_ip=net + "3")
    server.run(net + "3", PORT, loop=asyncio.get_running_loop())
    api = ECHONETAPIClient(server=server)
    api.configure(logger=lambda *_: None, message_timeout=50)
    host = net + "2"
    await api.discover(host)
    objects = [
        (group, code, number)
        for group, codes in api.state[host]["instances"].items()
        for code, numbers in codes.items()
        for number in numbers
    ]
    started_s = time.perf_counter()
    for eoj in objects:
        await api.getAllPropertyMaps(host, *eoj)
        readable = api.state[host]["instances"][eoj[0]][eoj[1]][eoj[2]][0x9F]
        for i in range(0, len(readable), 10):
            await api.echonetMessage(host, *eoj, 0x62, [{"EPC": e} for e in readable[i : i + 10]])
    took_s = time.perf_counter() - started_s
    times = []
    for _ in range(10):
        started_s = time.perf_counter()
        await api.echonetMessage(host, *BATTERY, 0x62, [{"EPC": epc} for epc in TEN])
        times.append(time.perf_counter() - started_s)
    server.close()
    return 1000 * statistics.median(times), took_s


# -- many nodes ----------------------------------------------------------------------------------


async def poll_many(net: str) -> Figure:
    """Processor time for polling 250 nodes with ten properties each, as a share of a minute."""
    setup = Setup(Label(b"bench-control"), search=Search(multicast=False))
    client = Client.open(setup, net + "254", multicast=False)
    hosts = [f"{net}{n}" for n in range(1, NODES + 1)]

    async def poll(host: str) -> None:
        answer = await client.get(host, BATTERY, TEN)
        assert len(Battery(BATTERY, answer.values).values()) == len(TEN)

    try:
        await poll(hosts[0])
        started_s = time.process_time()
        for host in hosts:
            task = asyncio.ensure_future(poll(host))
            await asyncio.sleep(POLL_S / NODES)
            await task
        used_s = time.process_time() - started_s
    finally:
        client.close()
    share_pct = 100 * used_s / 60
    return {
        "name": f"{NODES} nodes polled each minute",
        "value": round(share_pct, 2),
        "unit": "% of a core",
        "peer": None,
        "ratio": None,
        "bar": "< 5 %",
        "ok": share_pct < 5,
    }


# -- devices -------------------------------------------------------------------------------------


@contextmanager
def process(target: Callable[[str, Signal], None], where: str) -> Iterator[None]:
    """Run the devices beside us until the end of the block."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    child = context.Process(target=target, args=(where, ready), daemon=True)
    child.start()
    try:
        if not ready.wait(20):
            raise TimeoutError("the devices did not start")
        yield
    finally:
        child.kill()
        child.join()


def serve_home(host: str, ready: Signal) -> None:
    """The 26-object home at one address."""

    async def main() -> None:
        objects = load()
        objects[BATTERY].data.update(PROPS)
        client = Client.open(Setup(Label(b"bench-home-26"), objects), host, multicast=False)
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            client.close()

    asyncio.run(main())


def serve_many(net: str, ready: Signal) -> None:
    """A battery at each of 250 addresses, answering with bare sockets."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in range(1, NODES + 1):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            sock.bind((f"{net}{number}", PORT))
            loop.add_reader(sock, reply, sock)
        ready.set()
        await asyncio.Event().wait()

    asyncio.run(main())


def reply(sock: socket.socket) -> None:
    """The same ten properties to whoever asks, with his transaction id."""
    data, (host, _port) = sock.recvfrom(2000)
    sock.sendto(ANSWER[:2] + data[2:4] + ANSWER[4:], (host, PORT))
