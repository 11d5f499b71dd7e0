"""What a counter may tell at most: the contract bounds what is bought, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from hidamari.core.config import MeterSettings
from hidamari.core.reading import SeriesKey
from hidamari.devices import kind_of
from hidamari.echonet.frame import Eoj
from hidamari.home.counting import WIDEST_KW, Counting, Limits
from hidamari.home.live import LiveDevice
from hidamari.home.registry import Binding
from hidamari.store.counters import Verdict

AT = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


def limits(*contracts: dict[str, object], role: str = "main") -> Limits:
    plans = [{"plan": "tepco_juryo_b", **contract} for contract in contracts]
    return Limits.of([MeterSettings.model_validate({"role": role, "contracts": plans})])


def verdict(found: Limits, eoj: str, name: str, rise_kwh: float) -> Verdict:
    """What becomes of a rise within ten minutes of a counter in steps of 1 Wh."""
    kind = kind_of(Eoj.parse(eoj).class_code)
    binding = Binding("d", kind.kind, "d", weak=False, host="10.0.0.2", eoj=eoj)
    device = kind(Eoj.parse(eoj), {0xE1: b"\x03", 0xD3: b"\0\0\0\1"} if eoj == "028801" else {})
    counting, key = Counting(found), SeriesKey("d", name)
    counting.follow(key, LiveDevice(binding, device))
    counting.feed(key, AT, 500.0)
    counting.feed(key, AT + timedelta(minutes=10), 500.0 + rise_kwh)
    return counting.doubts[0].verdict if counting.doubts else Verdict.COUNTED


def test_what_is_bought_is_believed_up_to_the_contract_and_a_fifth():
    """Rule 2.7: 60 A are 6 kW, with the head room 7.2 kW: 1.2 kWh in ten minutes."""
    sixty = limits({"contract_a": 60})
    assert verdict(sixty, "028801", "import_kwh", 1.2) is Verdict.COUNTED
    assert verdict(sixty, "028801", "import_kwh", 1.21) is Verdict.QUARANTINED


@pytest.mark.parametrize(("eoj", "name"), [("028801", "export_kwh"), ("027901", "energy_kwh")])
def test_what_the_sun_gives_is_not_bounded_by_what_may_be_bought(eoj, name):
    # An array of 9 kW on a contract of 30 A: 1.5 kWh in ten minutes.
    assert verdict(limits({"contract_a": 30}), eoj, name, 1.5) is Verdict.COUNTED


def test_the_largest_contract_decides_for_counters_tell_of_the_past():
    found = limits({"contract_a": 40, "valid_from": "2026-06-01"}, {"contract_kva": 15})
    assert found == Limits(15.0, 30.0)


@pytest.mark.parametrize("contract", [{}, {"contract_kw": 5}])
def test_without_a_breaker_nothing_is_bounded_by_the_contract(contract):
    assert limits({"contract_a": 30}, contract) == Limits(WIDEST_KW, WIDEST_KW)
    assert limits(contract) == limits(contract, role="sell") == Limits()
