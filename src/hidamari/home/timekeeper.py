"""What time it is, and how sure that is: looks at clocks come in, decisions go out.

Three states. TRUSTED: the kernel says that its clock is synchronised, or the smart meter's clock
agrees. KEPT: it was right once and goes on by the monotonic count; a wall clock that jumps is not
followed. UNKNOWN: after a long power cut on a machine without a clock of its own the wall shows
when it was switched off; nothing is dated then until a trusted time comes. Nothing in here reads
a clock; all times are unix seconds, `mono_s` counts since the kernel's start.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

EARLIEST_S = 1_735_689_600.0  # 2025-01-01: no release of this program is older
SMALL_S = 2.0  # a wall clock further off than this has jumped
JUST_STARTED_S = 3600.0  # a home started later than this after the kernel finds a settled clock
RESTORED_S = 300.0  # a clock restored from a file stands this much behind its last use at most
TRUSTED_FOR_S = 3600.0  # how long a confirmation lasts when nobody repeats it
PATIENCE_S = 1800.0  # the wall clock is taken when nothing else has come until then
WITNESSES = 3  # looks at the meter that must agree before it overrules a kept time
METER_SLACK_S = 90.0  # the meter shows whole minutes and may be a little off itself


class Trust(StrEnum):
    """How sure the time is."""

    TRUSTED = "trusted"
    KEPT = "kept"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Look:
    """The machine's clocks at one moment; `is_synchronised`: the kernel follows a time server."""

    wall_s: float
    mono_s: float
    is_synchronised: bool


@dataclass(frozen=True, slots=True)
class Past:
    """What is stored: the newest instant, and whether this run of the kernel wrote it.

    `same_boot` None: nobody has. `offset_s`: what was believed in this run of the kernel, in
    which the monotonic count goes on; None while the time was unknown.
    """

    last_s: float | None = None
    same_boot: bool | None = None
    offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """What the meter's clock says now: not before and not after."""

    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Timekeeper:
    """The believed time: unix = monotonic + `offset_s`.

    `off_s`: by how much the wall clock is off and not believed. `against`: looks in a row at a
    meter whose clock says something else, by `against_s`.
    """

    trust: Trust
    offset_s: float
    floor_s: float = EARLIEST_S
    begun_s: float = 0.0
    confirmed_s: float = -TRUSTED_FOR_S
    off_s: float = 0.0
    against: int = 0
    against_s: float = 0.0

    def now_s(self, mono_s: float) -> float:
        """The believed unix time."""
        return mono_s + self.offset_s


@dataclass(frozen=True, slots=True)
class Outcome:
    """The keeper after a look: by how much the believed time moved, whether it was found."""

    keeper: Timekeeper
    moved_s: float = 0.0
    found: bool = False


def begin(look: Look, past: Past) -> Timekeeper:
    """The first decision after the start; time never begins before what is stored."""
    floor_s = max(EARLIEST_S, past.last_s or 0.0)
    offset_s = look.wall_s - look.mono_s
    if look.is_synchronised and look.wall_s >= EARLIEST_S:
        return Timekeeper(Trust.TRUSTED, offset_s, floor_s, look.mono_s, look.mono_s)
    if past.same_boot and past.offset_s is not None:
        return Timekeeper(Trust.KEPT, past.offset_s, floor_s, look.mono_s)
    is_same_unknown = bool(past.same_boot) and past.offset_s is None
    if look.wall_s < floor_s - RESTORED_S or _is_restored(look, past) or is_same_unknown:
        return Timekeeper(
            Trust.UNKNOWN, max(look.wall_s, floor_s) - look.mono_s, floor_s, look.mono_s
        )
    return Timekeeper(Trust.KEPT, offset_s, floor_s, look.mono_s)


def look_again(keeper: Timekeeper, look: Look) -> Outcome:
    """Every few seconds: follow a synchronised clock, notice one that jumped."""
    off_s = look.wall_s - keeper.now_s(look.mono_s)
    if look.is_synchronised and look.wall_s >= EARLIEST_S:
        return _set(keeper, off_s, look)
    if keeper.trust is Trust.UNKNOWN:
        waited_s = look.mono_s - keeper.begun_s
        if waited_s >= PATIENCE_S and look.wall_s >= keeper.floor_s - RESTORED_S:
            taken = _set(keeper, off_s, look)
            return replace(taken, keeper=replace(taken.keeper, trust=Trust.KEPT))
        return Outcome(keeper)
    is_fresh = look.mono_s - keeper.confirmed_s < TRUSTED_FOR_S
    trust = keeper.trust if is_fresh else Trust.KEPT
    return Outcome(replace(keeper, trust=trust, off_s=off_s if abs(off_s) > SMALL_S else 0.0))


def hear(keeper: Timekeeper, look: Look, witness: Witness) -> Outcome:
    """The meter told the time: it confirms the wall clock or ours, or overrules both in the end."""
    if look.is_synchronised or witness.from_s < EARLIEST_S:
        return Outcome(keeper)
    for unix_s in (keeper.now_s(look.mono_s), look.wall_s):
        is_known = keeper.trust is not Trust.UNKNOWN or unix_s == look.wall_s
        if is_known and witness.from_s - METER_SLACK_S <= unix_s <= witness.to_s + METER_SLACK_S:
            return _set(keeper, unix_s - keeper.now_s(look.mono_s), look)
    middle_s = (witness.from_s + witness.to_s) / 2 - keeper.now_s(look.mono_s)
    agrees = abs(middle_s - keeper.against_s) <= METER_SLACK_S
    count = keeper.against + 1 if agrees else 1
    if count < WITNESSES and keeper.trust is not Trust.UNKNOWN:
        return Outcome(replace(keeper, against=count, against_s=middle_s))
    return _set(keeper, middle_s, look)


def _is_restored(look: Look, past: Past) -> bool:
    """Whether the wall clock seems to go on from where it was when the power failed.

    A real clock has moved on while the machine was off and starting; one that is restored from a
    file starts from its last use. Told apart only soon after the start of the kernel.
    """
    if past.last_s is None or past.same_boot is not False or look.mono_s > JUST_STARTED_S:
        return False
    return look.wall_s - look.mono_s <= past.last_s + RESTORED_S


def _set(keeper: Timekeeper, by_s: float, look: Look) -> Outcome:
    """Trust a time that is `by_s` from ours."""
    found = keeper.trust is Trust.UNKNOWN
    offset_s = keeper.offset_s + by_s
    off_s = look.wall_s - look.mono_s - offset_s
    after = Timekeeper(
        Trust.TRUSTED,
        offset_s,
        keeper.floor_s,
        keeper.begun_s,
        confirmed_s=look.mono_s,
        off_s=off_s if abs(off_s) > SMALL_S else 0.0,
    )
    return Outcome(after, by_s if found or abs(by_s) > SMALL_S else 0.0, found)
