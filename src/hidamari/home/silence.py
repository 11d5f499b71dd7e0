"""Devices that do not answer for long: one notice for all behind one address, one when back."""

from collections.abc import Iterable

from hidamari.home.live import LiveDevice
from hidamari.home.notices import Cause, Notices

SILENT_S = 1800.0  # reliability F11: greyed at once, a notice after half an hour
CODE = "device_silent"


class Silences:
    """Who has been told of as silent: the device that the notice names, and those with it."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._told: dict[str, set[str]] = {}

    def look(self, devices: Iterable[LiveDevice], since_s: float, now_s: float) -> None:
        """Once a minute; `since_s`: when this run began, which is when waiting began."""
        lives = {live.binding.id: live for live in devices}
        quiet = {
            device
            for device, live in lives.items()
            if now_s - (since_s if live.contact_s is None else live.contact_s) >= SILENT_S
        }
        self._remember(lives)
        for leader, group in list(self._told.items()):
            here = [lives[device] for device in group if device in lives]
            if not quiet & group and all(live.contact_s is not None for live in here):
                del self._told[leader]
                data: dict[str, object] = {"devices": sorted(group)}
                self._notices.end(Cause(CODE, leader, data=data), "device_back")
        self._tell([lives[device] for device in sorted(quiet)])

    def _remember(self, lives: dict[str, LiveDevice]) -> None:
        """What was told before a restart counts for all at the same address."""
        named = {device for group in self._told.values() for device in group}
        for device, live in lives.items():
            if device not in named and self._notices.is_on(Cause(CODE, device)):
                host = live.binding.host
                group = {d for d, one in lives.items() if one.binding.host == host} - named
                self._told[device] = group
                named |= group

    def _tell(self, quiet: Iterable[LiveDevice]) -> None:
        named = {device for group in self._told.values() for device in group}
        by_host: dict[str, list[LiveDevice]] = {}
        for live in quiet:
            if live.binding.id not in named:
                by_host.setdefault(live.binding.host, []).append(live)
        for host, group in by_host.items():
            names = [live.binding.id for live in group]
            data: dict[str, object] = {"host": host, "devices": names}
            contact = group[0].last_contact
            if contact is not None:
                data["last_contact"] = contact.isoformat()
            self._told[names[0]] = set(names)
            self._notices.begin("notice", Cause(CODE, names[0], data=data))
