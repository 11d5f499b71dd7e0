"""The house bus: two identities that always hold, and a remainder that is never invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hidamari.core.reading import Quality, SlotValue
from hidamari.home.balance import MISSING, NONE_THERE, Energies, Flow, Has, flow, slot_series

ALL = Has(pv=True, gen=True, battery=True, ev=True, heater=True)
KW = st.floats(0, 20, allow_nan=False)
SIGNED_KW = st.floats(-10, 10, allow_nan=False)


@given(KW, KW, SIGNED_KW, SIGNED_KW, SIGNED_KW, KW)
def test_both_identities_hold_whatever_is_measured(pv, gen, grid, battery, ev, heater):
    found = flow(Flow(pv, gen, grid, battery, ev, heater), ALL)
    own = found.load_kw + found.battery_kw + found.ev_kw + found.heater_kw
    assert found.grid_kw == pytest.approx(own - found.pv_kw - found.gen_kw, abs=0.01)
    use = found.load_kw + found.heater_kw + max(found.ev_kw, 0)
    assert found.use_kw == pytest.approx(use, abs=0.01)
    assert found.load_kw >= 0


def test_use_is_the_remainder():
    # 3.2 kW of sun, 1.4 into the battery, 0.6 sold: 3.2 - 1.4 - 0.6 = 1.2 kW are used.
    found = flow(Flow(pv_kw=3.2, grid_kw=-0.6, battery_kw=1.4), Has(pv=True, battery=True))
    assert found.load_kw == pytest.approx(1.2)
    assert found.use_kw == pytest.approx(1.2)


def test_a_part_that_the_home_has_and_that_is_silent_makes_use_missing():
    found = flow(Flow(pv_kw=None, grid_kw=0.5), Has(pv=True))
    assert found.use_kw is None
    assert found.grid_kw == 0.5
    assert found.battery_kw == 0.0  # there is none: that is known


def test_a_negative_remainder_is_shown_as_zero_and_kept_as_a_gap():
    # Sold 1.0 kW while the array gave 0.9: readings taken seconds apart.
    found = flow(Flow(pv_kw=0.9, grid_kw=-1.0), Has(pv=True))
    assert found.load_kw == 0.0
    assert found.balance_gap_kw == pytest.approx(-0.1)


def test_without_a_main_meter_use_is_the_sum_of_circuits():
    found = flow(Flow(pv_kw=1.0), Has(pv=True), circuits_kw=2.5)
    assert found.use_kw == pytest.approx(2.5)
    assert found.grid_kw == pytest.approx(1.5)


def counted(kwh):
    return SlotValue(kwh, Quality.COUNTER)


def energies(**given_kwh):
    names = ["import", "export", "pv", "gen", "charge", "discharge"]
    names += ["ev_charge", "ev_discharge", "heater"]
    return Energies(**{f"{name}_kwh": given_kwh.get(name, NONE_THERE) for name in names})


def test_energy_of_a_half_hour_adds_up_as_the_rule_says():
    # use = 0.2 - 0.5 + 1.5 + 0.1 - 0.4 = 0.9 kWh; the heater took 0.3 of it.
    parts = energies(
        **{"import": counted(0.2), "export": counted(0.5), "pv": counted(1.5)},
        charge=counted(0.4),
        discharge=counted(0.1),
        heater=counted(0.3),
    )
    found = slot_series(parts, counted(0.7))
    assert found["use_kw"].value == pytest.approx(0.9)
    assert found["load_kw"].value == pytest.approx(0.6)
    assert found["other_kw"].value == pytest.approx(0.2)
    assert found["grid_kw"].value == pytest.approx(-0.3)
    assert found["use_kw"].quality is Quality.COUNTER


def test_a_missing_input_makes_use_missing_not_zero():
    found = slot_series(energies(**{"import": counted(0.2)}, pv=MISSING))
    assert found["use_kw"].value is None
    assert found["import_kw"].value == 0.2


def test_a_remainder_below_zero_is_an_estimate_with_its_gap_kept():
    found = slot_series(energies(**{"import": counted(0.0)}, export=counted(0.3), pv=counted(0.2)))
    assert found["use_kw"] == SlotValue(0.0, Quality.ESTIMATE)
    assert found["balance_gap_kw"].value == pytest.approx(-0.1)
