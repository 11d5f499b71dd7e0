"""Names carry the unit: no sum of kW and kWh, no bare power, watts at the wire only."""

import ast

import pytest
from tests.project.rules import PACKAGE, modules
from tests.project.units import Place, mixed, wire_names, without_unit

# Watts and watt-hours are what devices say; everything inside counts in kW and kWh.
WIRE_MODULES = (
    "devices/",
    "echonet/",
    "smartmeter/",
    "sim/charger.py",
    "sim/gauges.py",
    "sim/objects.py",
)

MIXED = [
    "total = grid_kw + import_kwh",
    "total_kw -= used_kwh",
    "f(charge_kw=stored_kwh)",
    "left_kwh = power_kw",
    "if soc_pct > reserve_kwh: pass",
    "most = min(limit_kw, room_kwh)",
    "total = self.grid_kw - meter.import_kwh(now)",
    "total = -pv_kw[0] + (load_kwh - used_kwh)",
    "cost_yen = buy_yen_kwh",
]
ONE_UNIT = [
    "total_kw = grid_kw + pv_kw",
    "cost_yen = import_kwh * buy_yen_kwh",
    "energy_kwh = power_kw * hours_h",
    "yen_kwh = plan.sell_yen_kwh",
    "left_kwh = stored_kwh - hours * power_kw",
    "f(charge_kw=0.0, at_s=now_s)",
]
BARE = [
    "power: float = 1.0",
    "own_power: float | None = None",
    "def energy(x: int) -> float: ...",
    "def f(price: list[float]) -> None: ...",
    "power = 3.0 * volts",
    "price = float(text)",
    "energies: NDArray[np.float64]",
]
SAID = [
    "power_kw: float = 1.0",
    "power: str = 'power_w'",
    "prices: DayPrices | None = None",
    "power = number(0xE0, 2)",
    "energy_factor: float = 0.1",
    "def price(plan: Plan) -> Price: ...",
]


@pytest.mark.parametrize("source", MIXED)
def test_a_mixture_is_seen(source: str) -> None:
    assert list(mixed(ast.parse(source)))


@pytest.mark.parametrize("source", ONE_UNIT)
def test_one_unit_is_no_mixture(source: str) -> None:
    assert list(mixed(ast.parse(source))) == []


@pytest.mark.parametrize("source", BARE)
def test_a_number_without_unit_is_seen(source: str) -> None:
    assert list(without_unit(ast.parse(source)))


@pytest.mark.parametrize("source", SAID)
def test_a_name_with_unit_or_of_another_type_is_fine(source: str) -> None:
    assert list(without_unit(ast.parse(source))) == []


def test_no_two_units_are_added_compared_or_confused() -> None:
    assert everywhere(mixed) == []


def test_no_power_energy_or_price_is_without_its_unit() -> None:
    assert everywhere(without_unit) == []


def test_watts_stay_at_the_wire() -> None:
    found = {
        module: sorted(names)
        for path in modules()
        if not (module := path.relative_to(PACKAGE).as_posix()).startswith(WIRE_MODULES)
        and (names := wire_names(ast.parse(path.read_text())))
    }
    assert found == {}


def everywhere(rule: object) -> list[str]:
    """What a rule finds in the whole package, as places to click on."""
    assert callable(rule)
    found: list[str] = []
    for path in modules():
        places: list[Place] = list(rule(ast.parse(path.read_text())))
        found += [f"{path.relative_to(PACKAGE)}:{one.line}: {one.text}" for one in places]
    return found
