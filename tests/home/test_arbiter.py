"""Proposals and what comes of them: the rank decides, limits come from above, all of it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hidamari.home.arbiter import Proposal, Rank, settle

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)


def wish(rank: Rank, mode: str | None, **more: object) -> Proposal:
    return Proposal("bat", rank, **({"until": LATER, "mode": mode} | more))


def settled(*proposals: Proposal, now: datetime = NOW):
    return settle(proposals, "bat", now)


def test_the_highest_rank_with_a_wish_decides():
    found = settled(wish(Rank.HABIT, "follow"), wish(Rank.PLAN, "hold"), wish(Rank.OWNER, "auto"))
    assert (found.mode, found.rank) == ("auto", Rank.OWNER)


def test_nobody_wants_anything():
    assert settled() is None
    assert settled(wish(Rank.SAFETY, None, low_kw=0.0)) is None


def test_what_has_ended_is_not_heard_any_more():
    old = wish(Rank.OWNER, "hold", until=NOW)
    assert settled(old, wish(Rank.PLAN, "follow")).mode == "follow"


def test_proposals_for_other_assets_do_not_count():
    other = Proposal("car", Rank.OWNER, LATER, "hold")
    assert settled(other, wish(Rank.PLAN, "follow")).mode == "follow"


@pytest.mark.parametrize(
    ("low_kw", "high_kw", "wanted", "allowed"),
    [
        (0.0, 9.0, "follow", "surplus"),  # at its reserve nothing is taken out of a battery
        (0.0, 9.0, "discharge", "hold"),
        (0.0, 9.0, "charge", "charge"),
        (0.0, 9.0, "auto", "surplus"),
        (-9.0, 0.0, "charge", "hold"),
        (-9.0, 0.0, "surplus", "hold"),
        (-9.0, 0.0, "discharge", "discharge"),
        (0.0, 0.0, "follow", "hold"),
        (-9.0, 9.0, "hold", "hold"),
    ],
)
def test_a_limit_turns_a_wish_into_the_nearest_mode_it_allows(low_kw, high_kw, wanted, allowed):
    limit = wish(Rank.SAFETY, None, low_kw=low_kw, high_kw=high_kw, code="reserve")
    found = settled(limit, wish(Rank.PLAN, wanted, want_kw=2.0, energy_kwh=1.0, code="plan"))
    assert found.mode == allowed
    assert found.code == ("plan" if wanted == allowed else "reserve")


def test_a_forced_charge_of_nothing_is_none():
    assert settled(wish(Rank.PLAN, "charge", want_kw=2.0, energy_kwh=0.0)).mode == "surplus"


def test_the_power_stays_within_the_limits_of_every_rank_above():
    found = settled(
        wish(Rank.SAFETY, None, high_kw=3.0),
        wish(Rank.GRID, None, high_kw=1.5),
        wish(Rank.PLAN, "charge", want_kw=4.0, energy_kwh=2.0),
    )
    assert (found.mode, found.kw, found.energy_kwh) == ("charge", 1.5, 2.0)


def test_a_limit_from_below_does_not_bind_the_rank_above():
    found = settled(
        wish(Rank.HABIT, None, high_kw=0.0),
        wish(Rank.OWNER, "charge", want_kw=4.0, energy_kwh=2.0),
    )
    assert (found.mode, found.kw) == ("charge", 4.0)


KW = st.floats(-6.0, 6.0)
PROPOSALS = st.lists(
    st.builds(
        lambda rank, mode, low, high, want, hours: Proposal(
            "bat",
            rank,
            NOW + timedelta(hours=hours),
            mode,
            min(low, high),
            max(low, high),
            want,
            1.0,
        ),
        st.sampled_from(list(Rank)),
        st.sampled_from([None, "follow", "surplus", "charge", "discharge", "hold", "auto"]),
        KW,
        KW,
        st.none() | KW,
        st.floats(-1.0, 1.0),
    ),
    max_size=6,
)


@given(PROPOSALS)
def test_no_order_ever_leaves_the_limits_of_safety_or_outlives_its_proposal(proposals):
    found = settled(*proposals)
    valid = [one for one in proposals if one.until > NOW]
    assert (found is None) == all(one.mode is None for one in valid)
    if found is None:
        return
    assert found.until > NOW
    for one in valid:
        if one.rank is not Rank.SAFETY or found.rank is Rank.SAFETY:
            continue
        if len([p for p in valid if p.rank is Rank.SAFETY]) > 1:
            continue
        assert found.kw is None or one.low_kw <= found.kw <= one.high_kw
        if one.low_kw >= 0.0:
            assert found.mode not in ("discharge", "follow", "auto")
        if one.high_kw <= 0.0:
            assert found.mode not in ("charge", "surplus")


@given(PROPOSALS, st.randoms())
def test_the_order_in_which_proposals_of_different_ranks_come_does_not_matter(proposals, random):
    one_each = list({one.rank: one for one in proposals}.values())
    mixed = one_each.copy()
    random.shuffle(mixed)
    assert settled(*one_each) == settled(*mixed)
