"""The home's own contract, and what a kWh costs under it now and today."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hidamari.api.figures import house_half_hours, month_bounds
from hidamari.core.bill import used_kwh
from hidamari.core.contract import Contract, contract_on
from hidamari.core.price import SlotPrice, prices
from hidamari.core.tariff import Plan
from hidamari.core.tariff_files import load_plans
from hidamari.core.time import SLOT_S, day_bounds, local_day, slot_start, slots, unix
from hidamari.home import pricing
from hidamari.home.pricing import PLAN_FOLDER
from hidamari.home.view import HomeView


@dataclass(frozen=True, slots=True)
class DayPrices:
    """The price of one more kWh in each half-hour of a local day."""

    start: datetime
    slots: tuple[SlotPrice, ...]

    def at(self, instant: datetime) -> SlotPrice | None:
        """The price at an instant of the day."""
        index = (unix(slot_start(instant)) - unix(self.start)) // SLOT_S
        return self.slots[index] if 0 <= index < len(self.slots) else None


def plans_of(home: HomeView) -> dict[str, Plan]:
    """All plans by id: the packaged ones and the owner's own files."""
    folder = home.folder / PLAN_FOLDER
    return load_plans(folder if folder.is_dir() else None)


def contracts_of(home: HomeView) -> tuple[Contract, ...]:
    """The contracts of the main meter, oldest first; none where none is chosen or usable."""
    return pricing.contracts_of(home.settings, home.folder)


def contract_now(home: HomeView, now: datetime) -> Contract | None:
    """The contract in force."""
    return contract_on(contracts_of(home), local_day(now, home.settings.zone))


def day_prices(home: HomeView, contract: Contract, now: datetime) -> DayPrices:
    """Today's prices, with the steps that the use of the billing month has reached by now."""
    zone: ZoneInfo = home.settings.zone
    first, _ = month_bounds(contract, local_day(now, zone))
    used = house_half_hours(home.store, day_bounds(first, zone)[0], now)
    morning, midnight = day_bounds(local_day(now, zone), zone)
    starts = slots(morning, int((midnight - morning) / timedelta(seconds=SLOT_S)))
    reached_kwh = used_kwh(contract, used.usage()) if len(used.kwh) else 0.0
    return DayPrices(morning, tuple(prices(contract, starts, reached_kwh)))
