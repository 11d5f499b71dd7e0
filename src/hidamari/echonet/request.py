"""What one asks of an object, what comes back, and which frames count as the answer."""

from collections.abc import Collection
from dataclasses import dataclass

from hidamari.echonet.frame import Eoj, Esv, Frame, Property

WAITS_S = (1.0, 2.0, 4.0)  # after each try; reliability rule 2.11

_TO_GET = frozenset({Esv.GET_RES, Esv.GET_SNA})
_TO_INF_REQ = frozenset({Esv.INF, Esv.INF_SNA})
# A refused SetC is a 51; emulators and old devices send other "cannot" codes instead.
_TO_SET = frozenset({Esv.SET_RES, Esv.SET_C_SNA, Esv.SET_I_SNA, Esv.GET_SNA, Esv.SET_GET_SNA})


@dataclass(frozen=True, slots=True)
class Request:
    """Properties of one object to read (`epcs`) or to write (`sets`), never both."""

    host: str
    eoj: Eoj
    epcs: tuple[int, ...] = ()
    sets: tuple[Property, ...] = ()
    waits_s: tuple[float, ...] = WAITS_S
    announce: bool = False  # ask for an announcement (INF_REQ) instead of reading


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: data by EPC, and the EPCs that the device would not give or take."""

    values: dict[int, bytes]
    refused: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Datagram:
    """Bytes to be sent to port 3610 of a host (or of the multicast group)."""

    data: bytes
    host: str


@dataclass(frozen=True, slots=True)
class Done:
    """A job has ended; `answer` is None when the device kept silent."""

    number: int
    request: Request
    answer: Answer | None


def same_object(asked: Eoj, came: Eoj) -> bool:
    """Instance 0 means every instance of the class, so any of them may answer."""
    return asked == came or (
        asked.instance == 0 and asked.group == came.group and asked.code == came.code
    )


def is_answer(request: Request, frame: Frame) -> bool:
    """True when service and object of a frame fit the request."""
    services = _TO_SET if request.sets else _TO_INF_REQ if request.announce else _TO_GET
    return frame.esv in services and same_object(request.eoj, frame.seoj)


def given(frame: Frame, asked: Collection[int]) -> tuple[dict[int, bytes], set[int]]:
    """Values and refusals among `asked`; order, doubles and extras in the answer do not matter."""
    got: dict[int, bytes] = {}
    refused: set[int] = set()
    torn: set[int] = set()
    for epc, edt in frame.props:
        if epc not in asked:
            continue
        if not edt:
            refused.add(epc)
        elif got.setdefault(epc, edt) != edt:
            torn.add(epc)  # given twice with different data: neither is believed
    for epc in torn:
        del got[epc]
    return got, refused - got.keys()


def accepted(frame: Frame, asked: Collection[int]) -> set[int]:
    """What of `asked` was set: accepted properties come back empty, refused ones with their data.

    "Cannot" without saying what, or with the service of another request, accepts nothing.
    """
    empty = {epc for epc, edt in frame.props if epc in asked and not edt}
    echoed = {epc for epc, edt in frame.props if epc in asked and edt}
    plain = frame.esv is Esv.SET_RES or (frame.esv is Esv.SET_C_SNA and echoed)
    return empty - echoed if plain else set()
