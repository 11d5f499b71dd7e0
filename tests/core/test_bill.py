"""Money: what a bill holds, how it is rounded, and what must be true of any bill."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import fsum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hidamari.core.bill import (
    Bill,
    Item,
    Note,
    Sample,
    Usage,
    bill,
    bills,
    by_contract,
    costs,
    total,
    used_kwh,
)
from hidamari.core.contract import Contract, FuelPrice
from hidamari.core.feed_in import flat_rate
from hidamari.core.levy import LevyRate
from hidamari.core.tariff import Basic, Plan, Unit, floor_yen, round_sen
from hidamari.core.tariff_files import load_plans, read_plan
from hidamari.core.time import TOKYO, slots, unix

PLANS = load_plans()
# 10 May 2026 00:00 JST, the first half-hour of the period read on 10 June (reading day 10).
MAY_10 = datetime(2026, 5, 9, 15, tzinfo=UTC)
MAY_SLOTS = 31 * 48
TEPCO_B = Contract(PLANS["tepco_juryo_b"], contract_a=40, reading_day=10)
PRICED = [plan for plan in PLANS.values() if any(band.windows for band in plan.tariffs[-1].bands)]
SMOOTH = [
    plan
    for plan in PRICED
    if plan.tariffs[-1].minimum_yen == 0.0 and plan.tariffs[-1].zero_use_share == 1.0
]

kwh_lists = st.lists(
    st.one_of(st.none(), st.integers(0, 30_000).map(lambda wh: wh / 1000.0)),
    min_size=2,
    max_size=200,
)


def sized(plan: Plan) -> Contract:
    return Contract(plan, contract_a=40, contract_kva=12, contract_kw=12, reading_day=10)


def samples(kwh: Sequence[float | None], start: datetime = MAY_10) -> list[Sample]:
    return [(at, x, None) for at, x in zip(slots(start, len(kwh)), kwh, strict=True)]


@pytest.mark.req("MEA-10")
def test_a_bill_is_an_estimate_with_basic_charge_steps_fuel_and_levy_in_lines(
    flat_usage: Callable[..., list[Sample]],
) -> None:
    contract = replace(TEPCO_B, fuel=(FuelPrice(2026, 6, -9.21),))
    found = bill(contract, flat_usage(MAY_10, MAY_SLOTS, 372.0 / MAY_SLOTS))
    # 372 kWh = 120 + 180 + 72; fuel 372 x -9.21 = -3426.12; levy 372 x 4.18 = 1554.96.
    lines = [(line.item, line.kwh, line.yen_kwh, round(line.yen, 6)) for line in found.lines]
    assert [(i, k if k is None else round(k, 6), p, y) for i, k, p, y in lines] == [
        (Item.BASIC, None, None, 1247.0),
        (Item.ENERGY, 120.0, 29.80, 3576.0),
        (Item.ENERGY, 180.0, 36.40, 6552.0),
        (Item.ENERGY, 72.0, 40.49, 2915.28),
        (Item.FUEL, 372.0, -9.21, -3426.12),
        (Item.LEVY, 372.0, 4.18, 1554.96),
        (Item.INCOME, 0.0, None, 0.0),
    ]
    # 1247 + 3576 + 6552 + 2915.28 - 3426.12 = 10864.16 -> 10864; 1554.96 -> 1554.
    assert found.total_yen == 10864 + 1554
    assert found.is_estimate
    assert found.notes == ()
    assert (found.start, found.end) == (MAY_10, MAY_10 + timedelta(days=31))


def test_without_a_fuel_price_the_bill_says_so() -> None:
    assert Note.FUEL_UNKNOWN in bill(TEPCO_B, [(MAY_10, 1.0, None)]).notes


def test_without_the_contract_size_the_basic_charge_is_unknown_not_guessed() -> None:
    found = bill(replace(TEPCO_B, contract_a=None), [(MAY_10, 1.0, None)])
    assert Note.BASIC_UNKNOWN in found.notes
    assert found.yen(Item.BASIC) == 0.0


def test_missing_half_hours_are_counted_whether_told_or_absent() -> None:
    usage = [
        (MAY_10, 1.0, None),
        (MAY_10 + timedelta(minutes=30), None, None),
        (MAY_10 + timedelta(minutes=120), 1.0, None),  # 01:00 and 01:30 are absent
    ]
    found = bill(TEPCO_B, usage)
    assert found.missing_slots == 3
    assert Note.SLOTS_MISSING in found.notes
    assert found.import_kwh == 2.0


def test_a_levy_after_the_newest_known_one_is_marked_as_assumed() -> None:
    after = datetime(2027, 5, 9, 15, tzinfo=UTC)
    assert Note.LEVY_ASSUMED in bill(TEPCO_B, [(after, 1.0, None)]).notes
    told = replace(TEPCO_B, levy=(LevyRate(date(2027, 5, 1), 5.0),))
    found = bill(told, [(after, 1.0, None)])
    assert Note.LEVY_ASSUMED not in found.notes
    assert found.yen(Item.LEVY) == 5.0


def test_a_period_before_the_plan_began_is_marked() -> None:
    early = datetime(2023, 1, 1, tzinfo=UTC)
    assert Note.PLAN_NOT_YET_VALID in bill(TEPCO_B, [(early, 1.0, None)]).notes


def test_a_part_of_a_period_carries_the_basic_charge_by_the_day() -> None:
    found = bill(TEPCO_B, samples([0.0] * 48))
    # One of the 31 days from 10 May to 9 June: 1247 / 31 = 40.2258...
    assert found.yen(Item.BASIC) == pytest.approx(1247.0 / 31.0)
    assert Note.PERIOD_INCOMPLETE in found.notes


def test_steps_begin_anew_on_the_reading_day() -> None:
    around = datetime(2026, 6, 9, 14, 30, tzinfo=UTC)  # the last half-hour before 10 June JST
    first, second = bills(
        TEPCO_B, [(around, 130.0, None), (around + timedelta(minutes=30), 130.0, None)]
    )
    # Each period for itself: 120 x 29.80 + 10 x 36.40 = 3940.
    assert first.yen(Item.ENERGY) == pytest.approx(3940.0)
    assert second.yen(Item.ENERGY) == pytest.approx(3940.0)


def test_use_before_the_first_half_hour_moves_the_steps() -> None:
    found = bill(TEPCO_B, [(MAY_10 + timedelta(days=9), 20.0, None)], used_kwh=110.0)
    # 10 kWh to the edge of 120, 10 beyond: 298.00 + 364.00.
    assert found.yen(Item.ENERGY) == pytest.approx(662.0)


def test_what_was_used_counts_since_the_last_reading_day() -> None:
    before = MAY_10 - timedelta(minutes=30)
    usage = [(before, 5.0, None), (MAY_10, 7.0, None), (MAY_10 + timedelta(hours=1), None, None)]
    assert used_kwh(TEPCO_B, usage) == 7.0
    assert used_kwh(TEPCO_B, []) == 0.0
    assert used_kwh(sized(PLANS["tepco_smartlife_s"]), usage) == 0.0  # no steps in that plan


def test_half_the_basic_charge_only_in_a_whole_month_that_is_known_to_be_without_use() -> None:
    contract = sized(PLANS["chugoku_juryo_b"])
    whole = samples([0.0] * MAY_SLOTS)
    # 12 x 447.97 = 5375.64, half of it 2687.82.
    assert bill(contract, whole).total_yen == 2687
    assert bill(contract, [*whole[:-1], (whole[-1][0], None, None)]).total_yen == 5375


def test_income_follows_the_sell_schedule_and_is_cut_to_whole_yen() -> None:
    contract = replace(
        TEPCO_B, sell=(flat_rate(date(2020, 1, 1), 24.0), flat_rate(date(2026, 5, 11), 8.3))
    )
    day_2 = datetime(2026, 5, 10, 15, tzinfo=UTC)  # 11 May 00:00 JST
    found = bill(contract, [(MAY_10, 0.0, 1.5), (day_2, 0.0, 2.0)])
    assert found.yen(Item.INCOME) == pytest.approx(1.5 * 24.0 + 2.0 * 8.3)  # 52.6
    assert found.income_yen == 52
    assert found.export_kwh == 3.5
    assert Note.SELL_UNKNOWN not in found.notes


def test_export_without_a_sell_price_is_said() -> None:
    found = bill(TEPCO_B, [(MAY_10, 0.0, 1.0)])
    assert Note.SELL_UNKNOWN in found.notes
    assert found.income_yen == 0


@pytest.mark.req("FUL-01")
def test_full_purchase_bills_the_sell_meter_with_income_only() -> None:
    contract = Contract(PLANS["sell_only"], sell=(flat_rate(date(2020, 1, 1), 21.0),))
    found = bill(contract, [(MAY_10, None, 10.0)])
    assert (found.total_yen, found.income_yen) == (0, 210)


def test_a_market_plan_bills_spot_and_fee_and_says_what_is_unpriced() -> None:
    plan = read_plan(
        """
        id = "spot"
        area = "tokyo"
        name = "spot"
        [[tariff]]
        has_levy = false
        basic = { unit = "contract", unit_yen = 500 }
        market = { area = "tokyo", fee_yen_kwh = 7.0, loss_pct = 6.9, cap_yen_kwh = 80 }
        [[tariff.band]]
        name = "spot"
        yen_kwh = 0
        """,
        "spot.toml",
    )
    starts = slots(MAY_10, 3)
    usage = [(at, 2.0, None) for at in starts]
    contract = Contract(plan, spot={unix(starts[0]): 10.0, unix(starts[1]): 100.0})
    found = bill(contract, usage)
    # 10 x 1.1 / 0.931 + 7 = 18.81526...; 100 x 1.1 / 0.931 = 118.2 is over the cap: 80 + 7.
    assert found.yen(Item.ENERGY) == pytest.approx(2.0 * (10.0 * 1.1 / 0.931 + 7.0) + 2.0 * 87.0)
    assert Note.PRICES_UNKNOWN in found.notes
    assert [line.yen_kwh for line in found.lines if line.item is Item.ENERGY] == [None]
    last = costs(contract, usage)[2]
    assert last.cost_yen is None


def test_a_new_contract_takes_over_on_its_day() -> None:
    older = TEPCO_B
    newer = replace(sized(PLANS["tepco_smartlife_s"]), valid_from=date(2026, 5, 11))
    usage = samples([1.0] * 96)
    parts = by_contract((older, newer), usage)
    assert [(c.plan.id, len(u.unix_s)) for c, u in parts] == [
        ("tepco_juryo_b", 48),
        ("tepco_smartlife_s", 48),
    ]
    both = total([bill(contract, part) for contract, part in parts])
    assert both.import_kwh == 96.0
    assert by_contract((older, newer), samples([1.0], MAY_10 + timedelta(days=5)))[0][0] is newer


def test_a_bill_over_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one half-hour"):
        bill(TEPCO_B, [])


def test_half_hours_out_of_order_are_an_error() -> None:
    with pytest.raises(ValueError, match="ascend"):
        Usage.of([(MAY_10, 1.0, None), (MAY_10, 1.0, None)])


def test_whole_yen_and_hundredths_are_cut_as_on_paper() -> None:
    assert floor_yen(3575.99999999) == 3576  # what binary numbers make of 120 x 29.80
    assert floor_yen(1843.99) == 1843
    # TEPCO prints 467.63 for 15 A: 15 x 31.175 = 467.625, rounded half up.
    assert Basic(Unit.AMPERE, unit_yen=31.175).basic_yen(15) == 467.63
    assert round_sen(1.004) == 1.0


@settings(max_examples=60, deadline=None)
@given(kwh=kwh_lists, cut=st.integers(1, 199), plan=st.sampled_from(SMOOTH))
def test_a_bill_is_the_sum_of_its_parts_before_rounding(
    kwh: list[float | None], cut: int, plan: Plan
) -> None:
    contract, usage = sized(plan), samples(kwh)
    cut = min(cut, len(kwh) - 1)
    first, rest = usage[:cut], usage[cut:]
    whole = bill(contract, usage).exact_yen
    parts = bill(contract, first).exact_yen
    parts += bill(contract, rest, used_kwh=used_kwh(contract, first)).exact_yen
    assert parts == pytest.approx(whole, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(kwh=kwh_lists, plan=st.sampled_from(PRICED))
def test_half_hour_costs_add_up_to_energy_fuel_and_levy(
    kwh: list[float | None], plan: Plan
) -> None:
    contract = replace(sized(plan), fuel=(FuelPrice(2026, 6, -1.23),))
    usage = samples(kwh)
    found = bill(contract, usage)
    lines = found.yen(Item.ENERGY) + found.yen(Item.FUEL) + found.yen(Item.LEVY)
    each = [slot.cost_yen for slot in costs(contract, usage)]
    assert [yen is None for yen in each] == [x is None for x in kwh]
    assert fsum(yen for yen in each if yen is not None) == pytest.approx(lines, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    kwh=kwh_lists,
    place=st.integers(0, 199),
    more_kwh=st.floats(0.0, 500.0),
    plan=st.sampled_from(PRICED),
)
def test_using_more_never_costs_less(
    kwh: list[float | None], place: int, more_kwh: float, plan: Plan
) -> None:
    contract = sized(plan)
    place %= len(kwh)
    more = list(kwh)
    more[place] = (kwh[place] or 0.0) + more_kwh
    less_bill, more_bill = bill(contract, samples(kwh)), bill(contract, samples(more))
    assert more_bill.exact_yen >= less_bill.exact_yen - 1e-6
    assert more_bill.total_yen >= less_bill.total_yen


@settings(max_examples=60, deadline=None)
@given(
    use_kwh=st.floats(1.0, 900.0),
    step_kwh=st.floats(0.1, 300.0),
    plan=st.sampled_from([p for p in PRICED if len(p.tariffs[-1].bands) == 1]),
)
def test_each_further_kwh_costs_at_least_as_much_as_the_one_before(
    use_kwh: float, step_kwh: float, plan: Plan
) -> None:
    def cost_yen(kwh: float) -> float:
        return bill(sized(plan), [(MAY_10, kwh, None)]).exact_yen

    first = cost_yen(use_kwh + step_kwh) - cost_yen(use_kwh)
    second = cost_yen(use_kwh + 2.0 * step_kwh) - cost_yen(use_kwh + step_kwh)
    assert second >= first - 1e-6


@settings(max_examples=40, deadline=None)
@given(kwh=kwh_lists, plan=st.sampled_from(PRICED))
def test_the_rounded_bill_is_less_than_two_yen_below_the_exact_one(
    kwh: list[float | None], plan: Plan
) -> None:
    found = bill(sized(plan), samples(kwh))
    assert -1e-3 <= found.exact_yen - found.total_yen < 2.0


@settings(max_examples=40, deadline=None)
@given(kwh=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=60), plan=st.sampled_from(PRICED))
def test_a_slow_count_by_half_hour_gives_the_same_energy_charge(
    kwh: list[float], plan: Plan
) -> None:
    contract, usage = sized(plan), samples(kwh, MAY_10 + timedelta(days=3))
    assert bill(contract, usage).yen(Item.ENERGY) == pytest.approx(_slow_yen(plan, usage), abs=1e-6)


def _slow_yen(plan: Plan, usage: list[Sample]) -> float:
    """Every Wh for itself: band by the clock on the wall, step by what was used before."""
    used, yen = 0.0, 0.0
    for start, bought_kwh, _ in usage:
        local = start.astimezone(TOKYO)
        minute = local.hour * 60 + local.minute
        # 13-16 May 2026 are Wednesday to Saturday, none a public holiday.
        kinds = {"all", "holiday" if local.weekday() == 5 else "weekday"}
        (band,) = [
            b
            for b in plan.tariffs[-1].bands
            if b.days.value in kinds
            and local.month in b.months
            and any(
                w.start_min <= minute < w.end_min
                if w.start_min < w.end_min
                else minute >= w.start_min or minute < w.end_min
                for w in b.windows
            )
        ]
        edges = [*(s.over_kwh for s in band.steps[1:]), float("inf")]
        rest_kwh = bought_kwh or 0.0
        for step, edge in zip(band.steps, edges, strict=True):
            in_step_kwh = min(rest_kwh, max(0.0, edge - used))
            if len(band.steps) > 1:
                used += in_step_kwh
            yen += in_step_kwh * step.energy_yen_kwh
            rest_kwh -= in_step_kwh
            if rest_kwh <= 0.0:
                break
    return yen


def test_a_year_of_half_hours_is_billed_in_under_100_ms(
    flat_usage: Callable[..., list[Sample]],
) -> None:
    usage = flat_usage(datetime(2025, 12, 31, 15, tzinfo=UTC), 365 * 48, 0.3)
    contract = sized(PLANS["chubu_smartlife"])
    taken_s = []
    for _ in range(5):
        begun_s = time.perf_counter()
        found: Bill = bill(contract, usage)
        taken_s.append(time.perf_counter() - begun_s)
    assert found.import_kwh == pytest.approx(5256.0)  # 17,520 x 0.3
    assert min(taken_s) < 0.1
