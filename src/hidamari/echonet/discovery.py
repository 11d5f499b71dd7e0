"""Finding out what a node is: conversations written as generators that ask and are told.

A conversation yields a `Request` and is sent the `Answer`, or None for silence; what it returns
is its result. It knows neither time nor network, the node runs it.
"""

from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, field, replace

from hidamari.echonet.frame import NODE_PROFILE, NODE_PROFILE_ANY, Eoj
from hidamari.echonet.identity import Facts, Identity, identify, identify_object
from hidamari.echonet.profile import LISTED_AT_MOST, read_instance_list
from hidamari.echonet.prop import is_whole_map, read_property_map
from hidamari.echonet.request import Answer, Request
from hidamari.echonet.responder import Maps

Talk = Generator[Request, Answer | None, "NodeRecord | None"]
KnownEpcs = Callable[[int], Collection[int]]  # class code -> EPCs worth asking for

_NODE_FACTS = (0x82, 0x83, 0x8A, 0x8C, 0x8D, 0xD3)
_OBJECT_FACTS = (0x9D, 0x9E, 0x9F, 0x81, 0x82, 0x83)
_MAPS = frozenset({0x9D, 0x9E, 0x9F})
# Super class properties that say something of any object: asked where the map is missing.
SUPER_CLASS = (0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x88, 0x89, 0x8A, 0x8C, 0x8D)
# Silent to one profile instance may mean that it listens to the other (seen both ways).
_PROFILES = (NODE_PROFILE, NODE_PROFILE_ANY)
_KNOCKS_S = (1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """One object of a node: what it may be asked, told, and announces by itself."""

    eoj: Eoj
    identity: Identity
    maps: Maps
    maps_told: bool  # False: the device gave no usable 9F, `maps` was found by asking
    values: dict[int, bytes] = field(default_factory=dict)  # what was read on the way


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node as it described itself."""

    host: str
    profile: Eoj  # the instance of its node profile that answers
    facts: Facts
    identity: Identity
    objects: tuple[ObjectRecord, ...]
    version: bytes = b""

    @property
    def maker(self) -> str:
        """The maker code in hexadecimal."""
        return self.facts.maker.hex()

    @property
    def product(self) -> str:
        """The product code."""
        return self.facts.product

    @property
    def serial(self) -> str:
        """The serial number."""
        return self.facts.serial

    def object(self, eoj: Eoj) -> ObjectRecord | None:
        """One of its objects."""
        return next((o for o in self.objects if o.eoj == eoj), None)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a conversation may know from outside."""

    known_epcs: KnownEpcs
    doubled: Collection[str]  # identities that several nodes would have
    heard: Callable[[str], Collection[Eoj]]  # objects that a host announced (D5)
    mac: Callable[[str], str]


def examine(host: str, survey: Survey) -> Talk:
    """Who is at this address: instance list, names, and the maps of each object."""
    found = yield from _knock(host)
    if found is None:
        return None
    profile, listed = found
    told = yield Request(host, profile, _NODE_FACTS)
    values = {} if told is None else told.values
    total = int.from_bytes(values.get(0xD3, b""), "big")
    if total > LISTED_AT_MOST:
        # A D6 holds 84 objects; the others come only as announcements.
        yield Request(host, profile, (0xD5,), announce=True)
    facts = Facts(
        host,
        values.get(0x83, b""),
        values.get(0x8A, b""),
        _ascii(values.get(0x8C)),
        _ascii(values.get(0x8D)),
        survey.mac(host),
    )
    identity = identify(facts, survey.doubled)
    objects: list[ObjectRecord] = []
    silent = 0
    todo = list(listed)
    while todo:
        eoj = todo.pop(0)
        record = yield from _examine_object(host, eoj, identity, survey)
        objects += [] if record is None else [record]
        silent = silent + 1 if record is None else 0
        if silent == 2 and (yield from _knock(host)) is None:
            return None  # it went away meanwhile
        if not todo and total > len(listed):
            todo = [e for e in survey.heard(host) if e not in listed]
            listed += todo
    return NodeRecord(host, profile, facts, identity, tuple(objects), values.get(0x82, b""))


def same_node(record: NodeRecord) -> Generator[Request, Answer | None, bool | None]:
    """Whether the node at the record's address gives the same number, maker and serial number.

    None: silence. Like devices with no number of their own, or one number, differ by the serial.
    """
    names = (0x83, 0x8A, 0x8D) if record.facts.serial else (0x83, 0x8A)
    told = yield Request(record.host, record.profile, names)
    if told is None:
        return None
    found = (told.values.get(0x83, b""), told.values.get(0x8A, b""), _ascii(told.values.get(0x8D)))
    return found == (record.facts.number, record.facts.maker, record.facts.serial)


def renamed(record: NodeRecord, doubled: Collection[str]) -> NodeRecord:
    """The record with the identities that are left when `doubled` ones name nobody."""
    node = identify(record.facts, doubled)
    objects = tuple(
        replace(o, identity=identify_object(node, o.eoj, o.values.get(0x83, b""), doubled))
        for o in record.objects
    )
    return replace(record, identity=node, objects=objects)


def _knock(host: str) -> Generator[Request, Answer | None, tuple[Eoj, list[Eoj]] | None]:
    """Ask for the instance list until somebody answers: each instance of the profile in turn."""
    for wait_s in _KNOCKS_S:
        for profile in _PROFILES:
            told = yield Request(host, profile, (0xD6,), waits_s=(wait_s,))
            if told is not None and 0xD6 in told.values:
                return profile, read_instance_list(told.values[0xD6])
    return None


def _examine_object(
    host: str, eoj: Eoj, node: Identity, survey: Survey
) -> Generator[Request, Answer | None, ObjectRecord | None]:
    told = yield Request(host, eoj, _OBJECT_FACTS)
    if told is None:
        return None
    values = dict(told.values)
    maps = Maps(*(_map(values.get(epc)) for epc in (0x9F, 0x9E, 0x9D)))
    get_map = values.get(0x9F)
    whole = get_map is not None and is_whole_map(get_map)
    if not whole:
        # Missing, short or miscounted: ask for all that such an object may have.
        wanted = {*SUPER_CLASS, *survey.known_epcs(eoj.class_code)} - maps.readable - _MAPS
        extra = yield Request(host, eoj, tuple(sorted(wanted)))
        if extra is not None:
            values |= extra.values
            maps = Maps(maps.readable | extra.values.keys(), maps.writable, maps.announced)
    facts = {epc: values[epc] for epc in values if epc not in _MAPS}
    own = identify_object(node, eoj, values.get(0x83, b""), survey.doubled)
    return ObjectRecord(eoj, own, maps, whole, facts)


def _map(edt: bytes | None) -> frozenset[int]:
    return (read_property_map(edt) if edt else None) or frozenset()


def _ascii(edt: bytes | None) -> str:
    return "" if edt is None else edt.split(b"\0")[0].decode("ascii", "ignore").strip()
