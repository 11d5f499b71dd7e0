"""Tariff, cost and meter. A day of the paper home buys 36 x 0.3 = 10.8 kWh and sells 6.0 kWh.

The contract is TEPCO's juryo B, 50 A, read on the 10th: 29.80 / 36.40 / 40.49 yen up to 120, 300
and beyond; levy 4.18 yen from the May reading of 2026 on; sold for 8.50 yen.
"""

import httpx
import pytest
from tests.api.conftest import Bench

from hidamari.api.asking import asked, contract_body, contract_tree
from hidamari.core.config import ContractSettings
from hidamari.core.contract import Contract
from hidamari.core.errors import InputError
from hidamari.core.tariff_files import load_plans
from hidamari.core.time import TOKYO
from hidamari.schema.tariff import Answer, ContractBody

V1 = "/api/v1"


async def cost(client: httpx.AsyncClient, query: str) -> dict[str, object]:
    answer = await client.get(f"{V1}/cost?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


@pytest.mark.req("UI-04", "MEA-10")
def test_a_day_early_in_the_month_is_billed_with_the_first_step(filled: Bench) -> None:
    """10.8 x (29.80 + 4.18) = 366.98; 6.0 x 8.50 = 51.00; basic 1558.75 / 31 days = 50.28."""

    async def talk(client: httpx.AsyncClient) -> None:
        body = await cost(client, "from=2026-05-14&to=2026-05-15&step=1d")
        assert body["buy_yen"] == [pytest.approx(366.98)]
        assert body["sell_yen"] == [51.0]
        assert body["total"] == {
            "buy_yen": pytest.approx(366.98),
            "sell_yen": 51.0,
            "basic_yen": pytest.approx(50.28),
            "net_yen": pytest.approx(366.98 + 50.28 - 51.0, abs=0.02),
        }
        assert body["bands"] == [{"name": "終日", "kwh": 10.8, "yen": pytest.approx(10.8 * 29.80)}]
        assert body["estimate"] is True

    filled.talk(talk)


def test_a_day_late_in_the_month_is_billed_with_the_step_reached(filled: Bench) -> None:
    """On 9 May 29 x 10.8 = 313.2 kWh were used: all of 10.8 costs 40.49 + 4.18 = 44.67."""

    async def talk(client: httpx.AsyncClient) -> None:
        body = await cost(client, "from=2026-05-09&to=2026-05-10&step=1d&compare=previous")
        assert body["buy_yen"] == [pytest.approx(482.44)]
        other = body["compare"]
        assert isinstance(other, dict)
        # 8 May: 302.4 kWh were used before, so the last step as well.
        assert other["buy_yen"] == [pytest.approx(482.44)]
        assert "bands" not in other

    filled.talk(talk)


def test_a_billing_month_adds_up_to_the_bill(filled: Bench) -> None:
    """324 kWh: 120 x 29.80 + 180 x 36.40 + 24 x 40.49 = 11,099.76; levy 324 x 4.18 = 1,354.32."""

    async def talk(client: httpx.AsyncClient) -> None:
        body = await cost(client, "from=2026-04-10&to=2026-05-10&step=1d")
        total = body["total"]
        assert isinstance(total, dict)
        assert total["buy_yen"] == pytest.approx(11099.76 + 1354.32, abs=0.01)
        assert total["basic_yen"] == pytest.approx(1558.75)
        assert body["bands"] == [
            {"name": "終日", "kwh": pytest.approx(324.0), "yen": pytest.approx(11099.76)}
        ]
        hours = await cost(client, "from=2026-04-10&to=2026-05-10&step=1h")
        assert hours["total"] == pytest.approx(total, abs=0.01)

    filled.talk(talk)


def test_a_change_of_contract_is_billed_on_both_sides(filled: Bench) -> None:
    """From 14 May on 30 A of the same plan: 935.25 / 31 instead of 1558.75 / 31 a day."""

    async def talk(client: httpx.AsyncClient) -> None:
        body = {"plan": "tepco_juryo_b", "ampere": 30, "reading_day": 10}
        answer = await client.put(f"{V1}/tariff", json=body | {"valid_from": "2026-05-14"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["contract"]["ampere"] == 30
        found = await cost(client, "from=2026-05-13&to=2026-05-15&step=1d")
        total = found["total"]
        assert isinstance(total, dict)
        assert total["basic_yen"] == pytest.approx((1558.75 + 935.25) / 31, abs=0.01)
        assert found["sell_yen"] == [51.0, None]  # the new contract says nothing of selling

    filled.talk(talk)


def test_market_prices_that_the_owner_tells_are_what_a_day_costs(filled: Bench) -> None:
    """10 yen and, from noon on, 20: with tax and fee 18 and 29, with the levy 22.18 and 33.18."""

    async def talk(client: httpx.AsyncClient) -> None:
        told = {"basic_yen": 0, "market_area": "tokyo", "market_fee_yen_kwh": 7}
        body = {"plan": "market_linked", "reading_day": 10, "answers": told}
        assert (await client.put(f"{V1}/tariff", json=body)).status_code == 200
        before = (await client.get(f"{V1}/tariff")).json()
        assert before["now"]["buy_yen_kwh"] is None
        day = [f"2026-05-{d}T{h // 2:02}:{h % 2 * 30:02},{10 if h < 24 else 20}"
               for d in (14, 15) for h in range(48)]  # fmt: skip
        csv = "\n".join(["start,yen_kwh", *day])
        answer = await client.put(f"{V1}/tariff/market-prices", content=csv)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "area": "tokyo",
            "half_hours": 96,
            "first": "2026-05-13T15:00:00Z",
            "last": "2026-05-15T14:30:00Z",
        }
        # 10 x 1.1 + 7 in the morning, 20 x 1.1 + 7 from noon on, levy 4.18
        after = (await client.get(f"{V1}/tariff")).json()
        assert after["now"]["buy_yen_kwh"] == pytest.approx(29.0 + 4.18)
        assert [one["buy_yen_kwh"] for one in after["today"][22:26]] == pytest.approx(
            [22.18, 22.18, 33.18, 33.18]
        )
        found = await cost(client, "from=2026-05-14&to=2026-05-15&step=1h")
        hours = found["buy_yen"]
        assert isinstance(hours, list)
        assert hours[0] == pytest.approx(0.6 * 22.18, abs=0.01)
        assert hours[23] == pytest.approx(0.6 * 33.18, abs=0.01)
        wrong = await client.put(f"{V1}/tariff/market-prices", content="start,yen_kwh\nnow,1\n")
        assert wrong.status_code == 422
        assert "line 2" in wrong.json()["error"]["message"]

    filled.talk(talk)


def test_without_a_tariff_energies_are_shown_and_money_is_not(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        filled.home.put_settings({"meters": []})
        answer = await client.get(f"{V1}/cost?from=2026-05-14&to=2026-05-15")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_tariff")
        tariff = (await client.get(f"{V1}/tariff")).json()
        assert tariff["contract"] is None
        now = (await client.get(f"{V1}/now")).json()
        assert now["today"]["import_kwh"] == pytest.approx(5.4)
        assert now["today"]["cost_yen"] is None
        assert now["month"]["from"] == "2026-05-01"
        assert now["tariff"] is None

    filled.talk(talk)


def test_without_a_tariff_the_month_begins_where_the_home_is(filled: Bench) -> None:
    """1 May in Auckland is 30 April 12:00 UTC: 14 days of 10.8 kWh, and 12 hours until midnight.

    From 00:00 UTC of 15 May to now the sun shines and nothing is bought.
    """

    async def talk(client: httpx.AsyncClient) -> None:
        filled.home.put_settings({"meters": [], "home": {"zone": "Pacific/Auckland"}})
        month = (await client.get(f"{V1}/now")).json()["month"]
        assert (month["from"], month["to"]) == ("2026-05-01", "2026-06-01")
        assert month["import_kwh"] == pytest.approx(24 * 0.3 + 14 * 10.8)

    filled.talk(talk)


@pytest.mark.req("UI-04")
def test_now_tells_price_cost_and_month(filled: Bench) -> None:
    """Today so far 5.4 kWh x 33.98 = 183.49; the month since 10 May 5 x 10.8 + 5.4 - ... kWh."""

    async def talk(client: httpx.AsyncClient) -> None:
        now = (await client.get(f"{V1}/now")).json()
        assert now["tariff"] == {
            "buy_yen_kwh": pytest.approx(33.98),
            "sell_yen_kwh": 8.5,
            "band": "終日",
        }
        assert now["today"]["cost_yen"] == pytest.approx(183.49, abs=0.1)
        assert now["yesterday"]["cost_yen"] == pytest.approx(366.98, abs=0.1)
        month = now["month"]
        assert (month["from"], month["to"]) == ("2026-05-10", "2026-06-10")
        assert month["import_kwh"] == pytest.approx(5 * 10.8 + 5.4)
        # 59.4 x 29.80 = 1770.12, basic by the day (5 days and 25 of 48 half-hours of 31), levy
        basic = 1558.75 * (5 + 25 / 48) / 31
        assert month["basic_yen"] == pytest.approx(basic, abs=0.01)
        assert month["cost_yen"] == pytest.approx(int(1770.12 + basic) + int(59.4 * 4.18), abs=1)

    filled.talk(talk)


def test_todays_prices_are_48_and_the_bands_are_told(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        body = (await client.get(f"{V1}/tariff")).json()
        assert len(body["today"]) == 48
        assert body["today"][0]["at"] == "2026-05-14T15:00:00Z"
        assert [line["yen_kwh"] for line in body["bands"]] == [29.80, 36.40, 40.49]
        for lang, second in (("ja", "120 kWh超"), ("en", "over 120 kWh")):
            asked = await client.get(f"{V1}/tariff", headers={"Accept-Language": lang})
            assert asked.json()["bands"][1]["text"] == second
        assert body["levy_yen_kwh"] == 4.18
        assert body["missing"] == []
        assert body["contract"]["sell"] == [{"from": "2020-01-01", "yen_kwh": 8.5}]

    filled.talk(talk)


def test_plans_say_what_they_ask(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        plans = {one["id"]: one for one in (await client.get(f"{V1}/tariff/plans")).json()}
        plain = plans["tepco_juryo_b"]
        assert plain["complete"] is True
        assert plain["ampere_choices"] == [10, 15, 20, 30, 40, 50, 60]
        assert {one["field"] for one in plain["missing"]} == {"ampere", "reading_day"}
        night = {one["field"]: one["value"] for one in plans["tohoku_smart_time"]["missing"]}
        assert night["night_from"] == "22:00"
        assert night["night_to"] == "08:00"
        assert "basic_yen" in night

    bench.talk(talk)


ANSWERS: list[tuple[str, dict[str, Answer]]] = [
    ("own", {"basic_yen": 1200, "price.終日": "３１．５"}),
    ("tohoku_smart_time", {"basic_yen": 1800.5, "night_from": "23:00", "night_to": "07:00"}),
    ("kansai_hapie_time_r", {"basic_yen": 2000, "price.デイタイム夏季": 38.99}),
    ("market_linked", {"basic_yen": 500, "market_area": "tokyo", "market_fee_yen_kwh": 5}),
    ("tepco_yorutoku_8", {"basic_yen": 3000}),
]


@pytest.mark.req("SET-02")
@pytest.mark.parametrize(("plan", "answers"), ANSWERS)
def test_an_incomplete_plan_is_complete_with_its_answers(
    bench: Bench, plan: str, answers: dict[str, Answer]
) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        body = {"plan": plan, "reading_day": 5, "answers": answers}
        answer = await client.put(f"{V1}/tariff", json=body)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found["missing"] == []
        for field, given in answers.items():
            said = found["contract"]["answers"][field]
            expected = 31.5 if given == "３１．５" else given
            assert said == expected, field

    bench.talk(talk)


def test_the_owners_night_moves_the_hours_of_both_bands() -> None:
    """23:00-07:00 instead of 22:00-08:00: 22:30 becomes day, 07:30 too."""
    plan = load_plans()["tohoku_smart_time"]
    body = ContractBody(
        plan=plan.id, answers={"basic_yen": 1, "night_from": "23:00", "night_to": "07:00"}
    )
    tree = contract_tree(body, plan, None)
    settings = ContractSettings.model_validate(tree)
    bands = settings.contract({plan.id: plan}, TOKYO).bands or ()
    hours = {band.name: [w.half_hours() for w in band.windows] for band in bands[:2]}
    assert hours["平日昼間"] == [list(range(14, 46))]
    assert sorted(hours["休日・夜間"][0]) == [*range(14), 46, 47]
    assert contract_body(settings).answers["night_from"] == "23:00"


def test_a_plan_without_known_hours_asks_for_its_bands() -> None:
    plan = load_plans()["kyushu_kijibetsu"]
    assert "bands" in {one.field for one in asked(plan, None, "ja")}
    contract = Contract(plan)
    assert {one.field for one in asked(plan, contract, "en")} == {"bands", "kva", "reading_day"}


REFUSED = [
    ({"plan": "no_such_plan"}, "plan"),
    ({"plan": "tepco_juryo_b", "reading_day": 32}, "reading_day"),
    ({"plan": "tepco_juryo_b", "ampere": 500}, "contract_a"),
    ({"plan": "own", "answers": {"price.終日": "cheap"}}, "price.終日"),
    (
        {"plan": "tohoku_smart_time", "answers": {"night_from": "22:15", "night_to": "8:00"}},
        "night",
    ),
    ({"plan": "tepco_juryo_b", "answers": {"night_from": "22:00", "night_to": "8:00"}}, "night"),
    ({"plan": "market_linked", "answers": {"market_area": "mars"}}, "market"),
    ({"plan": "tepco_juryo_b", "sell": [{"from": "soon", "yen_kwh": 8}]}, "sell"),
]


@pytest.mark.parametrize(("body", "word"), REFUSED)
def test_a_wrong_answer_is_named_and_the_contract_stays(
    bench: Bench, body: dict[str, object], word: str
) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        before = bench.home.settings
        answer = await client.put(f"{V1}/tariff", json=body)
        assert answer.status_code == 422, answer.text
        assert word in answer.json()["error"]["message"]
        assert bench.home.settings == before

    bench.talk(talk)


def test_changing_the_contract_keeps_what_was_not_asked() -> None:
    plan = load_plans()["tepco_juryo_b"]
    before = ContractSettings(plan=plan.id, fuel_yen_kwh={"2026-06": -5.8}, reading_day=10)
    tree = contract_tree(ContractBody(plan=plan.id, ampere=40, reading_day=11), plan, before)
    assert tree["fuel_yen_kwh"] == {"2026-06": -5.8}
    with pytest.raises(InputError):
        contract_tree(
            ContractBody(plan=plan.id, answers={"night_from": "x", "night_to": "y"}), plan, None
        )


@pytest.mark.req("SMT-03", "SMT-05")
def test_the_meter_shows_now_today_the_month_and_the_peaks_of_a_year(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        body = (await client.get(f"{V1}/meter")).json()
        assert body["direction"] == "selling"
        assert body["grid_kw"] == -1.0
        assert body["age_s"] == 4.0
        assert body["route"] == "b"
        assert body["counter_import_kwh"] == 12345.6
        assert body["limit_kw"] == 5.0
        assert body["today"]["import_kwh"] == pytest.approx(5.4)
        assert body["today"]["from"] == "2026-05-15"
        assert body["month"]["from"] == "2026-05-10"
        months = [one["month"] for one in body["peaks"]]
        assert (months[0], months[-1], len(months)) == ("2025-06", "2026-05", 12)
        assert body["peaks"][0]["peak_kwh"] is None
        may = {"month": "2026-05", "peak_kwh": 0.3, "peak_kw": 0.6, "at": "2026-04-30T15:00:00Z"}
        assert body["peaks"][-1] == may
        assert body["breakdown"] is True

    filled.talk(talk)


@pytest.mark.req("SMT-05")
def test_a_peak_shows_the_circuits_behind_it(filled: Bench) -> None:
    """Each of the two circuits on the screen drew 0.1 of 0.3 kWh."""

    async def talk(client: httpx.AsyncClient) -> None:
        body = (await client.get(f"{V1}/meter/peaks/2026-05")).json()
        assert [one["kwh"] for one in body["circuits"]] == [0.1, 0.1]
        assert body["circuits"][0]["share_pct"] == pytest.approx(33.3)
        assert len(body["neighbours"]) == 13
        assert body["neighbours"][6]["at"] == body["at"]
        empty = (await client.get(f"{V1}/meter/peaks/2025-08")).json()
        assert empty["peak_kwh"] is None
        assert empty["neighbours"] == []
        assert (await client.get(f"{V1}/meter/peaks/2027-01")).status_code == 404
        assert (await client.get(f"{V1}/meter/peaks/2026-13")).status_code == 422

    filled.talk(talk)


def test_a_home_without_meter_says_so(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        bench.home.current = bench.home.current.__class__(bench.home.clock.now(), {})
        body = (await client.get(f"{V1}/meter")).json()
        assert (body["grid_kw"], body["direction"], body["route"]) == (None, None, "none")
        assert body["max"] is None

    bench.talk(talk)
