"""One file per device kind; loading the package loads every module in its folder."""

from importlib import import_module
from pkgutil import iter_modules

from hidamari.devices.common import Common
from hidamari.devices.unknown import Unknown

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

KINDS: dict[int, type[Common]] = {
    kind.class_code(): kind for kind in Common.__subclasses__() if kind.class_code()
}


def kind_of(class_code: int) -> type[Common]:
    """The device kind of an ECHONET class such as 0x027D; `Unknown` where we have none."""
    return KINDS.get(class_code, Unknown)
