"""Usage made by hand for the tariff tests."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

import pytest

from hidamari.core.bill import Sample
from hidamari.core.contract import Contract, FuelPrice, period_on
from hidamari.core.price import prices
from hidamari.core.tariff import Plan, Worked
from hidamari.core.tariff_files import load_plans
from hidamari.core.time import day_bounds, slots

MonthOf = Callable[[Contract, date, Mapping[str, float]], list[Sample]]


@pytest.fixture(scope="session")
def plans() -> dict[str, Plan]:
    return load_plans()


@pytest.fixture(scope="session")
def month_of() -> MonthOf:
    """All half-hours of the period read on a date, with so many kWh spread over each band."""

    def make(contract: Contract, reading: date, by_band: Mapping[str, float]) -> list[Sample]:
        period = period_on(contract, reading - timedelta(days=1))
        start = day_bounds(period.start, contract.zone)[0]
        end = day_bounds(period.reading, contract.zone)[0]
        starts = slots(start, int((end - start) / timedelta(minutes=30)))
        names = [slot.band for slot in prices(contract, starts)]
        assert set(by_band) <= set(names)
        return [
            (at, by_band.get(name, 0.0) / names.count(name), None)
            for at, name in zip(starts, names, strict=True)
        ]

    return make


@pytest.fixture(scope="session")
def contract_for() -> Callable[[Plan, Worked], Contract]:
    """The contract a worked bill speaks of."""

    def make(plan: Plan, worked: Worked) -> Contract:
        reading = worked.reading
        return Contract(
            plan,
            contract_a=worked.size,
            contract_kva=worked.size,
            contract_kw=worked.size,
            reading_day=reading.day,
            fuel=(FuelPrice(reading.year, reading.month, worked.fuel_yen_kwh),),
        )

    return make


@pytest.fixture(scope="session")
def flat_usage() -> Callable[[datetime, int, float], list[Sample]]:
    """`count` half-hours from a start with the same kWh in each."""

    def make(start: datetime, count: int, import_kwh: float) -> list[Sample]:
        return [(at, import_kwh, None) for at in slots(start, count)]

    return make
