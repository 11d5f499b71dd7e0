"""A device played by a script: real UDP, answers exactly what the script says."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hidamari.echonet.frame import MULTICAST, NODE_PROFILE, PORT, Eoj, Esv, Frame, Property
from hidamari.echonet.profile import instance_lists

Script = Callable[[Frame], "list[bytes] | None"]


@dataclass(slots=True)
class Peer:
    """A socket at one address; every frame it hears is kept and given to the script.

    The script returns what to send to the asker's port 3610, or None for a normal answer from
    `objects` (EOJ -> EPC -> data).
    """

    host: str
    objects: Mapping[Eoj, Mapping[int, bytes]]
    script: Script = lambda _frame: None
    answer_port: int = PORT
    delay_s: float = 0.0
    hears_multicast: bool = False
    heard: list[Frame] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> "Peer":
        loop = asyncio.get_running_loop()
        places = [(self.host, PORT)]
        if self.hears_multicast:
            places.append((MULTICAST, PORT))
        if self.answer_port != PORT:
            places.append((self.host, self.answer_port))
        for place in places:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            if place[0] == MULTICAST:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                member = socket.inet_aton(MULTICAST) + socket.inet_aton(self.host)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            sock.bind(place)
            if place[1] == PORT:
                loop.add_reader(sock, self._readable, sock)
            self._sockets.append(sock)
        return self

    def __exit__(self, *_: object) -> None:
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        self._sockets.clear()

    def send(self, data: bytes, host: str) -> None:
        """Send to port 3610 of a host, from the port this peer answers from."""
        if self._sockets:
            self._sockets[-1 if self.answer_port != PORT else 0].sendto(data, (host, PORT))

    def asked(self, eoj: Eoj | None = None) -> list[Frame]:
        """The requests heard, or those to one object."""
        return [frame for frame in self.heard if eoj is None or frame.deoj == eoj]

    def _readable(self, sock: socket.socket) -> None:
        data, (host, _port) = sock.recvfrom(4096)
        frame = Frame.from_bytes(data)
        if host == self.host or frame.esv not in (Esv.GET, Esv.SET_C, Esv.INF_REQ):
            return
        self.heard.append(frame)
        said = self.script(frame)
        for answer in [normal(self.objects, frame)] if said is None else said:
            if answer:
                asyncio.get_running_loop().call_later(self.delay_s, self.send, answer, host)


def node(
    objects: Mapping[Eoj, Mapping[int, bytes]], number: bytes = b"\xfe\x00\x00\x01peer-number-1"
) -> dict[Eoj, dict[int, bytes]]:
    """The objects with their property maps and a node profile (EPC 83: FE, maker, 13 bytes)."""
    found: dict[Eoj, dict[int, bytes]] = {}
    for eoj, data in objects.items():
        epcs = sorted({*data, 0x9D, 0x9E, 0x9F})
        found[eoj] = {0x9D: b"\0", 0x9E: b"\0", 0x9F: bytes((len(epcs), *epcs)), **data}
    found[NODE_PROFILE] = {
        0x80: b"\x30",
        0x82: b"\x01\x0d\x01\x00",
        0x83: number,
        0x8A: b"\0\0\1",
        0xD3: len(objects).to_bytes(3, "big"),
        0xD6: instance_lists(list(objects))[0],
    }
    return found


def normal(objects: Mapping[Eoj, Mapping[int, bytes]], frame: Frame) -> bytes:
    """What a well-behaved device answers to a Get; empty for an object it has not."""
    eoj = frame.deoj
    if eoj.instance == 0 and eoj.group == 0x0E:
        eoj = NODE_PROFILE
    data = objects.get(eoj)
    if data is None or frame.esv is not Esv.GET:
        return b""
    props = tuple(Property(epc, data.get(epc, b"")) for epc, _ in frame.props)
    return answer(frame, Esv.GET_RES if all(p.edt for p in props) else Esv.GET_SNA, props, eoj)


def answer(frame: Frame, esv: Esv, props: tuple[Property, ...], eoj: Eoj | None = None) -> bytes:
    """The bytes of an answer to `frame`."""
    return Frame(frame.tid, eoj or frame.deoj, frame.seoj, esv, props).to_bytes()
