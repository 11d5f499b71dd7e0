"""Who decides what an asset does: everyone proposes, the higher rank sets the limits.

The highest rank with a wish decides its mode. Limits come from that rank and every one above it,
never from below. A proposal ends by itself at `until`, so a lost connection heals itself. What a
limit forbids becomes the nearest mode that it allows, down to doing nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from hidamari.devices.wish import Mode

FOREVER_KW = float("inf")
LEAST_KW = 0.05  # a limit closer to nothing than this allows nothing
LEAST_KWH = 0.01


class Rank(IntEnum):
    """Who proposes; the lower number goes first."""

    SAFETY = 0
    GRID = 1  # utility, output control
    OWNER = 2
    PLAN = 3
    HABIT = 4  # what the device does when nobody wants anything


@dataclass(frozen=True, slots=True)
class Proposal:
    """A wish (`mode`; None = only limits) for an asset, signed as its power: + draws.

    `want_kw` is how fast, `energy_kwh` how much (AC side) a forced charge or discharge moves;
    `start_h` is the hour of a water heater's shifted run. `code` and `numbers` say why.
    """

    asset: str
    rank: Rank
    until: datetime
    mode: Mode | None = None
    low_kw: float = -FOREVER_KW
    high_kw: float = FOREVER_KW
    want_kw: float | None = None
    energy_kwh: float | None = None
    start_h: int | None = None
    code: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    since: datetime | None = None  # None = already


@dataclass(frozen=True, slots=True)
class Settled:
    """What holds for an asset now: the deciding proposal's wish within the limits."""

    asset: str
    mode: Mode
    rank: Rank
    until: datetime
    kw: float | None = None
    energy_kwh: float | None = None
    start_h: int | None = None
    code: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)


def settle(proposals: Iterable[Proposal], asset: str, now: datetime) -> Settled | None:
    """What the asset shall do; None when nobody wants anything of it."""
    valid = sorted(
        (p for p in proposals if p.asset == asset and holds(p, now)), key=lambda p: p.rank
    )
    low_kw, high_kw = -FOREVER_KW, FOREVER_KW
    limiting: Proposal | None = None
    for one in valid:
        if one.low_kw > low_kw or one.high_kw < high_kw:
            limiting = one
        # A lower rank may only narrow what the ranks above left open.
        low_kw = min(max(low_kw, one.low_kw), high_kw)
        high_kw = max(min(high_kw, one.high_kw), low_kw)
        if one.mode is not None:
            return _within(one, limiting or one, low_kw, high_kw)
    return None


def holds(proposal: Proposal, now: datetime) -> bool:
    """Whether a proposal has begun and not ended."""
    return (proposal.since is None or proposal.since <= now) and proposal.until > now


def _within(wish: Proposal, limiting: Proposal, low_kw: float, high_kw: float) -> Settled:
    """The wish within the limits; where these change the mode, the limiting side is the reason."""
    mode = _allowed(wish, low_kw, high_kw)
    kw = wish.want_kw
    if kw is not None:
        kw = min(max(kw, low_kw), high_kw)
    elif mode == "charge" and high_kw < FOREVER_KW:
        kw = high_kw
    elif mode == "discharge" and low_kw > -FOREVER_KW:
        kw = low_kw
    forced = mode in ("charge", "discharge")
    why = wish if mode == wish.mode else limiting
    return Settled(
        wish.asset,
        mode,
        why.rank,
        min(wish.until, why.until),
        kw if forced else None,
        wish.energy_kwh if forced else None,
        wish.start_h,
        why.code,
        why.numbers,
    )


def _allowed(wish: Proposal, low_kw: float, high_kw: float) -> Mode:
    """The wished mode, or the nearest one that neither limit forbids."""
    mode = wish.mode or "auto"
    may_charge, may_discharge = high_kw > LEAST_KW, low_kw < -LEAST_KW
    is_empty = wish.energy_kwh is not None and wish.energy_kwh < LEAST_KWH
    if mode == "charge" and (is_empty or not may_charge):
        return "surplus" if may_charge else "hold"
    if mode == "discharge" and (is_empty or not may_discharge):
        return "hold"
    if mode in ("follow", "auto") and not may_discharge:
        return "surplus" if may_charge else "hold"
    if mode in ("follow", "auto", "surplus") and not may_charge:
        return "hold"
    return mode
