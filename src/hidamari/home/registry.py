"""Which device is which: our own ids, bound to what a device says of itself on the wire."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from secrets import token_hex
from typing import Self

from hidamari.core.errors import InputError
from hidamari.echonet.frame import Eoj


@dataclass(frozen=True, slots=True)
class Binding:
    """A device of the home and where it answers.

    `identity` is what the wire gave (0x83 + EOJ or a fallback), `weak` says that it may change.
    The host is a hint only: an address handed out by a router changes.
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
    hidden: bool = False

    @property
    def object(self) -> Eoj:
        """The object on its node."""
        return Eoj.parse(self.eoj)


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
        return cls(Binding(**row) for row in json.loads(raw)) if raw else cls()

    def to_json(self) -> bytes:
        """All bindings for the store."""
        return json.dumps([asdict(binding) for binding in self._by_id.values()]).encode()

    def all(self) -> list[Binding]:
        """Every binding, hidden ones too."""
        return list(self._by_id.values())

    def get(self, device: str) -> Binding | None:
        """The binding of a device id."""
        return self._by_id.get(device)

    def at(self, host: str, eoj: Eoj) -> Binding | None:
        """Who answers at an address now."""
        text = str(eoj)
        return next((b for b in self._by_id.values() if b.host == host and b.eoj == text), None)

    def bind(self, seen: Seen, now_s: int) -> tuple[Binding, str]:
        """Find or make the device that was seen; says "same", "moved" or "new"."""
        known = self._known(seen)
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
        after = replace(
            known,
            identity=seen.identity,
            weak=seen.weak,
            host=seen.host,
            eoj=seen.eoj,
            maker=seen.maker or known.maker,
            product=seen.product or known.product,
        )
        self._by_id[known.id] = after
        return after, "same" if known.host in ("", seen.host) else "moved"

    def hide(self, device: str, hidden: bool) -> Binding:
        """Take a device off the screens; its history stays."""
        after = replace(self._must(device), hidden=hidden)
        self._by_id[device] = after
        return after

    def replace_by(self, device: str, new: str) -> Binding:
        """Let an old id answer through the device found as `new`, whose own id goes away."""
        old, found = self._must(device), self._must(new)
        if old.kind != found.kind:
            raise InputError(f"a {old.kind} expected in place of {device}, {new} is a {found.kind}")
        after = replace(found, id=old.id, hidden=False)
        del self._by_id[new]
        self._by_id[device] = after
        return after

    def _must(self, device: str) -> Binding:
        found = self._by_id.get(device)
        if found is None:
            raise InputError(f"the id of a known device expected, got {device!r}")
        return found

    def _known(self, seen: Seen) -> Binding | None:
        """By identity; one found at the same address before it told its identity is the same."""
        for binding in self._by_id.values():
            if binding.identity == seen.identity:
                return binding
        here = self.at(seen.host, Eoj.parse(seen.eoj))
        if here is not None and here.weak and here.kind == seen.kind:
            return here
        return None
