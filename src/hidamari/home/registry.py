"""Which device is which: our own ids, bound to what a device says of itself on the wire."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from secrets import token_hex
from typing import Self

from hidamari.core.errors import InputError
from hidamari.echonet.frame import Eoj
from hidamari.echonet.responder import Maps


@dataclass(frozen=True, slots=True)
class Binding:
    """A device of the home and where it answers.

    `identity` is what the wire gave (0x83 + EOJ or a fallback), `weak` says that it may change.
    The host is a hint only: an address handed out by a router changes. `readable`, `writable` and
    `announced` are its property maps as hexadecimal EPCs, so that a start need not wait for them.
    """

    id: str
    kind: str
    identity: str
    weak: bool
    host: str
    eoj: str
    maker: str = ""
    product: str = ""
    since: int = 0
    readable: str = ""
    writable: str = ""
    announced: str = ""

    @property
    def object(self) -> Eoj:
        """The object on its node."""
        return Eoj.parse(self.eoj)

    @property
    def node_identity(self) -> str:
        """The identity of the node that it is on."""
        return self.identity.rpartition("#")[0]

    def with_maps(self, maps: Maps) -> "Binding":
        """The same with the property maps it told."""
        readable, writable, announced = (
            bytes(sorted(epcs)).hex() for epcs in (maps.readable, maps.writable, maps.announced)
        )
        return replace(self, readable=readable, writable=writable, announced=announced)

    @property
    def maps(self) -> Maps:
        """The property maps it told last; empty when it never did."""
        told = (self.readable, self.writable, self.announced)
        return Maps(*(frozenset(bytes.fromhex(text)) for text in told))


@dataclass(frozen=True, slots=True)
class Seen:
    """What discovery found: an object on a node and how to know it again."""

    kind: str
    identity: str
    weak: bool
    host: str
    eoj: str
    maker: str = ""
    product: str = ""


class Registry:
    """All bindings; a value that is saved after each change."""

    def __init__(self, bindings: Iterable[Binding] = ()) -> None:
        self._by_id = {binding.id: binding for binding in bindings}

    @classmethod
    def from_json(cls, raw: bytes | None) -> Self:
        """Read what `to_json` wrote; nothing stored yet is an empty registry."""
        known = {field.name for field in fields(Binding)}
        rows = json.loads(raw) if raw else []
        return cls(Binding(**{k: v for k, v in row.items() if k in known}) for row in rows)

    def to_json(self) -> bytes:
        """All bindings for the store."""
        return json.dumps([asdict(binding) for binding in self._by_id.values()]).encode()

    def all(self) -> list[Binding]:
        """Every binding."""
        return list(self._by_id.values())

    def get(self, device: str) -> Binding | None:
        """The binding of a device id."""
        return self._by_id.get(device)

    def at(self, host: str, eoj: Eoj) -> Binding | None:
        """Who answers at an address now."""
        text = str(eoj)
        return next((b for b in self._by_id.values() if b.host == host and b.eoj == text), None)

    def bind(self, seen: Seen, now_s: int) -> tuple[Binding, str]:
        """Find or make the device that was seen; says "same", "moved" or "new".

        Whoever was at its address before is somewhere else now.
        """
        known = self._known(seen)
        before = self.at(seen.host, Eoj.parse(seen.eoj))
        if before is not None and (known is None or before.id != known.id):
            self._by_id[before.id] = replace(before, host="")
        if known is None:
            device = Binding(
                token_hex(4),
                seen.kind,
                seen.identity,
                seen.weak,
                seen.host,
                seen.eoj,
                seen.maker,
                seen.product,
                now_s,
            )
            self._by_id[device.id] = device
            return device, "new"
        # An examination whose answers were lost knows less than we do.
        keeps_name = (seen.weak and not known.weak) or (known.maker != "" and not seen.maker)
        after = replace(
            known,
            identity=known.identity if keeps_name else seen.identity,
            weak=known.weak if keeps_name else seen.weak,
            host=seen.host,
            eoj=seen.eoj,
            maker=seen.maker or known.maker,
            product=seen.product or known.product,
        )
        self._by_id[known.id] = after
        return after, "same" if known.host in ("", seen.host) else "moved"

    def told_maps(self, device: str, maps: Maps) -> Binding:
        """Remember what a device can be asked."""
        after = self._must(device).with_maps(maps)
        self._by_id[device] = after
        return after

    def renamed(self, doubled: str, seen: Iterable[Seen]) -> None:
        """An identity has turned out to name two nodes: the one we knew goes by another now."""
        for one in seen:
            known = self.at(one.host, Eoj.parse(one.eoj))
            if known is not None and known.kind == one.kind and known.node_identity == doubled:
                self._by_id[known.id] = replace(known, identity=one.identity, weak=one.weak)

    def replace_by(self, device: str, new: str) -> Binding:
        """Let an old id answer through the device found as `new`, whose own id goes away."""
        old, found = self._must(device), self._must(new)
        if device == new:
            raise InputError(f"another device expected in place of {device}, got itself")
        if old.kind != found.kind:
            raise InputError(f"a {old.kind} expected in place of {device}, {new} is a {found.kind}")
        after = replace(found, id=old.id)
        del self._by_id[new]
        self._by_id[device] = after
        return after

    def _must(self, device: str) -> Binding:
        found = self._by_id.get(device)
        if found is None:
            raise InputError(f"the id of a known device expected, got {device!r}")
        return found

    def _known(self, seen: Seen) -> Binding | None:
        """By identity; else the one at this address, if one of both has told no name of its own."""
        for binding in self._by_id.values():
            if binding.identity == seen.identity:
                return binding
        here = self.at(seen.host, Eoj.parse(seen.eoj))
        # Every node has a maker (EPC 8A); without one it could not be asked who it is.
        told_no_name = here is not None and (here.weak or seen.weak or not seen.maker)
        if here is None or here.kind != seen.kind or not told_no_name:
            return None
        pairs = ((seen.maker, here.maker), (seen.product, here.product))
        return here if all("" in pair or pair[0] == pair[1] for pair in pairs) else None
