"""The cycle: snapshot, decide, settle, command what differs, read back, record."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from hidamari.core.clock import Clock
from hidamari.core.config import Settings
from hidamari.core.errors import InputError
from hidamari.core.time import day_bounds, from_unix, local_day
from hidamari.devices.wish import Mode, Wish
from hidamari.home.arbiter import Proposal, Rank, Settled, settle
from hidamari.home.assets import Asset, assets_of
from hidamari.home.decide import Given, decide
from hidamari.home.house import House
from hidamari.home.orders import (
    FORCED,
    READ_AFTER_S,
    Order,
    done_by_itself,
    foreign_mode,
    is_due,
    orders_from,
    orders_to,
    properties_for,
    same_wish,
    shown_epcs,
)
from hidamari.home.sending import Command, Outcome, Wire, send
from hidamari.plan.ladder import Plan
from hidamari.store.db import Store

logger = logging.getLogger(__name__)

ORDERS, OWNER = "control_orders", "control_owner"
SEND_WITHIN = timedelta(seconds=60)
MODES: tuple[Mode, ...] = ("follow", "surplus", "charge", "discharge", "hold", "auto")
RESTING = ("follow", "auto")


class Owner(Protocol):
    """The home, as far as control needs it."""

    house: House
    store: Store

    @property
    def clock(self) -> Clock:
        """The home's time."""
        ...

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    def note(self, kind: str, code: str, data: Mapping[str, object], device: str = "home") -> None:
        """Record something that a person may ask about."""
        ...


@dataclass(frozen=True, slots=True)
class Yielded:
    """Somebody else commanded an asset: it is left alone until then."""

    since: datetime
    until: datetime
    mode: str


@dataclass(slots=True)
class Control:
    """Commands the assets of one home; one task decides."""

    home: Owner
    wire: Wire
    plan_at: Callable[[datetime], Plan | None]
    orders: dict[str, Order] = field(default_factory=dict)
    overrides: dict[str, Proposal] = field(default_factory=dict)
    gives_way: dict[str, Yielded] = field(default_factory=dict)
    settled: dict[str, Settled] = field(default_factory=dict)
    limited: frozenset[str] = frozenset()
    codes: dict[str, str] = field(default_factory=dict)
    on_change: Callable[[str], None] = lambda _: None
    _order_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.orders = orders_from(self.home.store.get_kv(ORDERS))
        self._read_owner()

    def assets(self) -> tuple[Asset, ...]:
        """What may be steered, as it stands."""
        home = self.home
        now_s = home.clock.monotonic_s()
        return tuple(assets_of(home.house.present(), home.settings.plan, now_s))

    async def cycle(self) -> None:
        """One turn: look, decide, and bring every asset to what was settled."""
        now = self.home.clock.now()
        assets = self.assets()
        self._drop_what_is_over(now)
        self._notice_others(assets, now)
        decision = decide(self.plan_at(now), self._given(assets, now))
        self.limited = decision.limited
        jobs = []
        for asset in assets:
            if asset.model is None:
                continue
            found = settle(decision.proposals, asset.id, now)
            if found is None:
                found = self._handed_back(asset, now)
            if found is not None:
                self._tell_reason(asset, found)
                self.settled[asset.id] = found
                jobs.append(self._carry_out(asset, found, now))
            else:
                self.settled.pop(asset.id, None)
        if jobs:
            await asyncio.gather(*jobs)

    async def hand_back(self) -> None:
        """At the end: every asset that is forced goes back to following the house."""
        now = self.home.clock.now()
        for asset in self.assets():
            order = self.orders.get(asset.id)
            if order is not None and order.mode not in RESTING and asset.kind != "water_heater":
                await self._carry_out(asset, self._rest(asset, now, "stopped"), now)

    def override(self, proposal: Proposal) -> None:
        """The owner's word, until it ends; it also ends a giving-way."""
        self.gives_way.pop(proposal.asset, None)
        self.overrides[proposal.asset] = proposal
        self._keep_owner()

    def release(self, asset: str) -> None:
        """The plan has the asset again."""
        self.overrides.pop(asset, None)
        self.gives_way.pop(asset, None)
        self._keep_owner()

    def _given(self, assets: tuple[Asset, ...], now: datetime) -> Given:
        home = self.home
        flow, _ = home.house.flow(home.clock.monotonic_s())
        surplus = None
        if flow.pv_kw is not None and flow.load_kw is not None:
            surplus = flow.pv_kw + (flow.gen_kw or 0.0) - flow.load_kw - (flow.heater_kw or 0.0)
        local = now.astimezone(home.settings.zone)
        return Given(
            now=now,
            settings=home.settings.plan,
            assets=assets,
            surplus_kw=surplus,
            overrides=tuple(self.overrides.values()),
            gives_way=frozenset(self.gives_way),
            limited=self.limited,
            local_h=local.hour + local.minute / 60.0 + local.second / 3600.0,
        )

    def _drop_what_is_over(self, now: datetime) -> None:
        over = [key for key, one in self.overrides.items() if one.until <= now]
        over_way = [key for key, one in self.gives_way.items() if one.until <= now]
        for key in over:
            del self.overrides[key]
        for key in over_way:
            del self.gives_way[key]
        if over or over_way:
            self._keep_owner()

    def _notice_others(self, assets: tuple[Asset, ...], now: datetime) -> None:
        """A device whose mode is not what it was told, and which did not end it by itself."""
        for asset in assets:
            order = self.orders.get(asset.id)
            if order is None or asset.id in self.gives_way or asset.model is None:
                continue
            told_s = self._order_s.get(asset.id, 0.0)
            device = asset.live.device
            mode = foreign_mode(order, device)
            if mode is None or not self._is_fresh(asset, told_s):
                continue
            ended = done_by_itself(order, device)
            if ended is not None:
                self._keep(asset.id, ended, told_s)
                continue
            _, midnight = day_bounds(
                local_day(now, self.home.settings.zone), self.home.settings.zone
            )
            self.gives_way[asset.id] = Yielded(now, midnight, mode)
            self.orders.pop(asset.id, None)
            self._keep_owner()
            data = {"mode": mode, "told": order.mode, "until": midnight.isoformat()}
            self.home.note("notice", "foreign_command", data, asset.id)
            self.on_change("foreign")

    def _is_fresh(self, asset: Asset, told_s: float) -> bool:
        """Whether the mode was read since we told it."""
        at_s = [asset.live.at_s[epc] for epc in (0xDA, 0xB0) if epc in asset.live.at_s]
        return bool(at_s) and max(at_s) > told_s + READ_AFTER_S

    def _handed_back(self, asset: Asset, now: datetime) -> Settled | None:
        """Nobody wants anything: what we had forced goes back to its own way, once."""
        order = self.orders.get(asset.id)
        if order is None or asset.id in self.gives_way or not asset.is_home:
            return None
        if order.mode in RESTING and order.is_done:
            return None
        return self._rest(asset, now, "not_steered")

    def _rest(self, asset: Asset, now: datetime, code: str) -> Settled:
        can = asset.live.device.modes
        mode: Mode = "auto" if "auto" in can else "follow" if "follow" in can else "hold"
        return Settled(asset.id, mode, Rank.HABIT, now + SEND_WITHIN, code=code)

    def _tell_reason(self, asset: Asset, found: Settled) -> None:
        """One event for each new reason."""
        mark = f"{found.mode} {found.code}"
        if self.codes.get(asset.id) == mark:
            return
        self.codes[asset.id] = mark
        data = {"mode": found.mode, "by": found.rank.name.lower(), "numbers": dict(found.numbers)}
        self.home.note("reason", found.code or "habit", data, asset.id)

    async def _carry_out(self, asset: Asset, found: Settled, now: datetime) -> None:
        """Send what is due, read it back, and record the outcome."""
        device = asset.live.device
        wish = Wish(found.mode, found.kw, found.energy_kwh, found.start_h)
        try:
            properties = properties_for(device, wish)
        except InputError as error:
            logger.info("%s: %s", asset.id, error)
            return
        order = self.orders.get(asset.id)
        if not is_due(order, found, device, properties, now):
            return
        command = Command(
            asset.live.binding.host,
            asset.live.binding.object,
            {one.epc: one.edt for one in properties},
            shown_epcs(device.kind, properties),
            now + SEND_WITHIN,
        )
        sent = await send(self.wire, command, self.home.clock)
        now_s = self.home.clock.monotonic_s()
        asset.live.took(sent.read, frozenset(), now_s)
        tries = 1
        if order is not None and not order.is_done and same_wish(order, found):
            tries = order.tries + 1
        shown = {f"{epc:02X}": command.values[epc].hex() for epc in command.shown}
        new = Order(
            mode=found.mode,
            by=found.rank.name.lower(),
            kw=found.kw,
            energy_kwh=found.energy_kwh if found.mode in FORCED else None,
            start_h=found.start_h,
            until_unix_s=found.until.timestamp(),
            at_unix_s=now.timestamp(),
            outcome=sent.outcome.value,
            shown=shown,
            code=found.code,
            tries=tries,
        )
        self._keep(asset.id, new, now_s)
        self._record(asset.id, new, order)

    def _record(self, asset: str, order: Order, before: Order | None) -> None:
        if order.tries > 2 and before is not None and before.outcome == order.outcome:
            return  # one event for a device that goes on not obeying, not one for every try
        data: dict[str, object] = {
            "mode": order.mode,
            "by": order.by,
            "kw": order.kw,
            "kwh": order.energy_kwh,
            "start_h": order.start_h,
            "until": order.until.isoformat(),
            "reason": order.code,
        }
        self.home.note("command", order.outcome, data, asset)
        if order.outcome != Outcome.CONFIRMED:
            self.on_change(order.outcome)

    def _keep(self, asset: str, order: Order, now_s: float) -> None:
        self.orders[asset] = order
        self._order_s[asset] = now_s
        self.home.store.put_kv(ORDERS, orders_to(self.orders))

    def _keep_owner(self) -> None:
        rows = {
            "overrides": {
                key: {
                    "mode": one.mode,
                    "since": one.since.timestamp() if one.since is not None else None,
                    "until": one.until.timestamp(),
                    "kw": one.want_kw,
                    "kwh": one.energy_kwh,
                    "hour": one.start_h,
                }
                for key, one in self.overrides.items()
            },
            "gives_way": {
                key: {
                    "since": one.since.timestamp(),
                    "until": one.until.timestamp(),
                    "mode": one.mode,
                }
                for key, one in self.gives_way.items()
            },
        }
        self.home.store.put_kv(OWNER, json.dumps(rows).encode())

    def _read_owner(self) -> None:
        """The owner's word and what we gave way to survive a restart."""
        raw = self.home.store.get_kv(OWNER)
        if not raw:
            return
        try:
            rows = json.loads(raw)
            for key, row in rows["overrides"].items():
                word = owner_proposal(key, row["mode"], from_unix(row["until"]))
                since = None if row["since"] is None else from_unix(row["since"])
                word = replace(word, since=since, want_kw=row["kw"], energy_kwh=row["kwh"])
                self.overrides[key] = replace(word, start_h=row["hour"])
            for key, row in rows["gives_way"].items():
                since, until = from_unix(row["since"]), from_unix(row["until"])
                self.gives_way[key] = Yielded(since, until, str(row["mode"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            logger.warning("the owner's orders could not be read; the plan has the assets")


def owner_proposal(asset: str, mode: str, until: datetime) -> Proposal:
    """The owner's word for an asset."""
    found = next((one for one in MODES if one == mode), None)
    if found is None:
        raise InputError(f"mode: one of {', '.join(MODES)} expected, got {mode!r}")
    return Proposal(asset, Rank.OWNER, until, found, code="override")
