"""Who saw what of a command: the wire that it was sent on, and the device that it was for."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hidamari.echonet.client import Client
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import WAITS_S, Answer
from hidamari.echonet.responder import Maps
from hidamari.sim.wire import LiveObject

ASK_PLUG = 0xCD  # asks a car stand for its state: not an order
UNDER_WAY_S = 15.0  # three tries, and a network that is slow, late and says everything twice


@dataclass(frozen=True, slots=True)
class Sent:
    """One order as control gave it to the wire."""

    at_s: float
    eoj: Eoj
    values: Mapping[int, bytes]
    tries: int
    run: int  # of the controller


@dataclass(slots=True)
class Ledger:
    """Every order of a home, whichever run of its controller gave it."""

    now_s: Callable[[], float]
    run: int = 0
    sent: list[Sent] = field(default_factory=list)
    newest: dict[Eoj, deque[Sent]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def note(self, sent: Sent) -> None:
        """An order begins."""
        self.sent.append(sent)
        self.newest.setdefault(sent.eoj, deque(maxlen=4)).append(sent)

    def took(self, eoj: Eoj, epc: int, edt: bytes) -> None:
        """A device was told something: somebody must have said so just now."""
        if epc == ASK_PLUG:
            return
        now_s = self.now_s()
        if not any(
            one.values.get(epc) == edt and now_s - one.at_s <= UNDER_WAY_S
            for one in self.newest.get(eoj, ())
        ):
            self.broken.append(f"{eoj} was told {epc:02X} = {edt.hex()}, which nobody said now")


@dataclass(slots=True)
class Telling:
    """The controller's wire; what is sent on it is noted."""

    client: Client
    ledger: Ledger

    async def get(self, host: str, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        return await self.client.get(host, eoj, epcs)

    async def set(
        self, host: str, eoj: Eoj, values: Mapping[int, bytes], waits_s: tuple[float, ...] = WAITS_S
    ) -> Answer:
        run = self.ledger.run
        self.ledger.note(Sent(self.ledger.now_s(), eoj, dict(values), len(waits_s), run))
        return await self.client.set(host, eoj, values, waits_s)


@dataclass(slots=True)
class Door:
    """Stands before a simulated device: remembers what it showed, and may do nothing at all."""

    behind: LiveObject
    ledger: Ledger
    obeys: bool = True
    showed: dict[tuple[int, bytes], float] = field(default_factory=dict)

    @property
    def maps(self) -> Maps:
        return self.behind.maps

    def get(self, epc: int) -> bytes | None:
        edt = self.behind.get(epc)
        if edt is not None and epc in self.behind.maps.writable:
            self.showed[epc, edt] = self.ledger.now_s()
        return edt

    def set(self, epc: int, edt: bytes) -> bool:
        """A deaf one says yes to whatever it could do."""
        self.ledger.took(self.behind.eoj, epc, edt)
        return self.behind.set(epc, edt) if self.obeys else epc in self.behind.maps.writable
