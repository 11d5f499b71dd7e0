"""How an object on the network is known again when its address has changed."""

from collections.abc import Collection
from dataclasses import dataclass

from hidamari.echonet.frame import Eoj

# Super class EPC 0x83: 9 or 17 bytes, first FE, then the maker's code, then a number of its own.
_SHORTEST_NUMBER = 9
_MAKER_END = 4


@dataclass(frozen=True, slots=True)
class Identity:
    """A text that stays the same for the same object; `weak` when it hangs on an address."""

    text: str
    weak: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What a node says of itself (EPC 83, 8A, 8C, 8D) and where it was heard."""

    host: str
    number: bytes = b""
    maker: bytes = b""
    product: str = ""
    serial: str = ""
    mac: str = ""


def identify(facts: Facts, doubled: Collection[str] = ()) -> Identity:
    """The identity of a node: number, else maker and serial, else MAC, else address.

    `doubled` are identities that more than one node of this home would have: they name nobody.
    """
    named: list[Identity] = []
    if _is_usable(facts.number):
        named.append(_of_number(facts.number))
    if facts.serial:
        words = (facts.maker.hex(), facts.product, facts.serial)
        named.append(Identity("serial:" + "/".join(words), weak=False))
    if facts.mac:
        named.append(Identity(f"mac:{facts.mac}", weak=True))
    named.append(Identity(f"ip:{facts.host}", weak=True))
    return next((i for i in named if i.text not in doubled), named[-1])


def identify_object(
    node: Identity, eoj: Eoj, number: bytes = b"", doubled: Collection[str] = ()
) -> Identity:
    """That of its node and its EOJ; on a node without a name an object's own number helps."""
    if node.weak and _is_usable(number):
        own = _of_number(number)
        if own.text not in doubled:
            return Identity(f"{own.text}#{eoj}", weak=False)
    return Identity(f"{node.text}#{eoj}", node.weak)


def _of_number(number: bytes) -> Identity:
    return Identity(f"id:{number.hex()}", weak=False)


def _is_usable(number: bytes) -> bool:
    """False for identification numbers that are missing, cut or empty: they tell nothing apart."""
    own = number[_MAKER_END:]
    return len(number) >= _SHORTEST_NUMBER and own.strip(b"\0") != b"" != own.strip(b"\xff")
