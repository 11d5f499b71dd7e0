"""Writes docs/devices.md from the property lines of all device kinds.

python tests/tools/device_list.py > docs/devices.md
"""

import sys

from hidamari.devices import KINDS
from hidamari.devices.common import Common
from hidamari.devices.unknown import Unknown
from hidamari.echonet.prop import Prop

HEAD = """# Devices

Generated from the property lines in `src/hidamari/devices` by `tests/tools/device_list.py`; a test
fails when it is not current. A device of any other class appears with its raw properties.

Columns: EPC; the name used in series, screens and API; bytes; unit; S = can be set; how often it is
asked (once = after discovery, - = only on request or when announced); what is kept in the history.
A device's own property maps always win: what it does not have is not asked.
"""


def title(kind: type[Common]) -> str:
    """The first line of the file's own description, such as "Storage battery (class 0x027D)"."""
    module = sys.modules[kind.__module__]
    return (module.__doc__ or "").splitlines()[0].split(":")[0].rstrip(".")


def roles(kind: type[Common]) -> list[str]:
    """What the home asks of the kind, as far as it has it."""
    named = {
        "power of the house it is part of": kind.quantity,
        "power now": kind.power,
        "counts in": kind.counter_in,
        "counts out": kind.counter_out,
        "level": kind.level,
        "state": kind.state,
        "modes it can be asked for": ", ".join(sorted(kind.modes)),
    }
    return [f"- {what}: `{name}`" for what, name in named.items() if name]


def every(prop: Prop[object]) -> str:
    """How often a property is asked."""
    every_s = prop.use.every_s
    return "-" if every_s is None else "once" if every_s == 0 else f"{every_s} s"


def length(prop: Prop[object]) -> str:
    """How many bytes a property has."""
    sizes = sorted(prop.sizes or ())
    return f"{sizes[0]}-{sizes[-1]}" if len(sizes) > 2 else " or ".join(map(str, sizes))


def row(prop: Prop[object]) -> str:
    """One line of the table."""
    kept = prop.use.record.value if prop.use.record is not None else ""
    settable = "S" if prop.settable else ""
    return (
        f"| {prop.epc:02X} | {prop.name} | {length(prop)} | {prop.unit} | {settable}"
        f" | {every(prop)} | {kept} |"
    )


def table(props: list[Prop[object]]) -> list[str]:
    """A table of properties by EPC."""
    head = ["| EPC | name | bytes | unit | S | asked | kept |", "|---|---|---|---|---|---|---|"]
    return head + [row(prop) for prop in sorted(props, key=lambda prop: prop.epc)]


def document() -> str:
    """The whole page."""
    shared = set(Unknown.props.values())
    lines = [HEAD, "## All devices", "", *table(list(shared))]
    for code, kind in sorted(KINDS.items()):
        own = [prop for prop in kind.props.values() if prop not in shared]
        lines += ["", f"## {code:04X} {title(kind).split(' (class')[0]}", "", *roles(kind), ""]
        lines += table(own)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
