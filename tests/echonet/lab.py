"""A sans-io node among well-behaved devices, on a wire of virtual time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.echonet.peer import normal

from hidamari.echonet.events import Answered, Event
from hidamari.echonet.frame import MULTICAST, Eoj, Frame
from hidamari.echonet.node import Node
from hidamari.echonet.request import Answer, Request

Objects = Mapping[Eoj, Mapping[int, bytes]]


@dataclass(slots=True)
class Wire:
    """Carries frames between the node and devices (host -> objects); keeps all that was sent."""

    node: Node
    devices: dict[str, Objects]
    now_s: float = 0.0
    delay_s: float = 0.0
    drops: Callable[[str, Frame], bool] = lambda _host, _frame: False
    sent: list[tuple[float, str, Frame]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    _due: list[tuple[float, bytes, str]] = field(default_factory=list)

    def run(self, for_s: float) -> None:
        """Let time pass."""
        end_s = self.now_s + for_s
        self._carry()
        while True:
            times = [due[0] for due in self._due]
            timeout_s = self.node.next_timeout()
            if timeout_s is not None:
                times.append(max(self.now_s, timeout_s))
            next_s = min(times, default=end_s)
            if next_s > end_s or not times:
                break
            self.now_s = next_s
            for due in [d for d in self._due if d[0] <= next_s]:
                self._due.remove(due)
                self.events += self.node.receive(due[1], due[2], self.now_s)
                self._carry()
            self.events += self.node.advance(self.now_s)
            self._carry()
        self.now_s = end_s

    def say(self, frame: Frame, host: str) -> None:
        """A frame that a device sends by itself."""
        self.events += self.node.receive(frame.to_bytes(), host, self.now_s)
        self.run(0.0)

    def ask(self, request: Request, for_s: float = 60.0) -> Answer | None:
        """Send a request, let time pass, and give its answer."""
        ticket = self.node.request(request, self.now_s)
        self.run(for_s)
        ended = [e for e in self.events if isinstance(e, Answered) and e.ticket == ticket]
        assert len(ended) == 1
        return ended[0].answer

    def of(self, kind: type) -> list[Event]:
        """The events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def sent_to(self, host: str) -> list[tuple[float, Frame]]:
        return [(at_s, frame) for at_s, to, frame in self.sent if to == host]

    def _carry(self) -> None:
        for datagram in self.node.take():
            frame = Frame.from_bytes(datagram.data)
            self.sent.append((self.now_s, datagram.host, frame))
            hosts = list(self.devices) if datagram.host == MULTICAST else [datagram.host]
            for host in hosts:
                if host not in self.devices or self.drops(host, frame):
                    continue
                reply = normal(self.devices[host], frame)
                if reply:
                    self._due.append((self.now_s + self.delay_s, reply, host))
