"""The exception tree of the package.

::

    HidamariError            anything we raise on purpose
    ├── FrameError           foreign bytes that are not what the standard says: drop and count
    ├── LinkError            the other end of the link broke link/v1: end this connection
    ├── DeviceError          a device did not do what was asked
    │   ├── DeviceSilent     no answer after all tries: treat values as missing, keep asking
    │   └── DeviceRefused    the device answered "cannot": do not repeat unchanged
    ├── InputError           a value from a person or a file: the message says what was expected
    │   └── SettingsError    settings, a start-up or plan file are refused: `problems` has the paths
    ├── StoreError           the history cannot be used as it is
    │   ├── StoreBusy        another process owns the data folder: end that or use another
    │   ├── StoreFull        no room on the disk: free space, measuring goes on in memory
    │   └── StoreDamaged     bytes on the disk are not what was written: repair or restore
    └── StartError           the process cannot start: port taken, folder not writable
"""

from dataclasses import dataclass


class HidamariError(Exception):
    """Anything we raise on purpose; the message is fit for the owner's eyes."""


class FrameError(HidamariError):
    """Foreign bytes break the standard: drop the frame and count it."""


class LinkError(HidamariError):
    """The other end of the link breaks the protocol: nothing in the message is believed."""


class DeviceError(HidamariError):
    """A device did not do what was asked."""


class DeviceSilent(DeviceError):
    """No answer after all tries: its values are missing, keep asking."""


class DeviceRefused(DeviceError):
    """The device answered that it cannot: do not repeat the request unchanged."""


class InputError(HidamariError):
    """A value from a person or a file is refused; the message names what was expected."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One refused value: where it stands, why (a code), what was expected, what came."""

    path: str
    code: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.path}: {self.expected} expected, got {self.got}"


class SettingsError(InputError):
    """Settings or a file are refused as a whole; `problems` has what was expected at each path."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class StoreError(HidamariError):
    """The history cannot be used as it is."""


class StoreBusy(StoreError):
    """Another process owns the data folder: end it or choose another folder."""


class StoreFull(StoreError):
    """The disk has no room: free some, measuring goes on in memory meanwhile."""


class StoreDamaged(StoreError):
    """Bytes on the disk are not what was written: repair or restore."""


class StartError(HidamariError):
    """The process cannot start: the message says which port or folder is in the way."""
