"""The plan over HTTP on a whole home: what it says, the owner's word, refusals."""

import json
from typing import Any

import httpx
import pytest
from tests.api.document import FILE
from tests.api.openapi import faults
from tests.control.estate import PASSWORD, Estate, an_estate
from tests.whole.loop import run

from hidamari.api.app import Options, create_app
from hidamari.api.auth import Auth

V1 = "/api/v1"
URL = "http://localhost:8600"


class Talk:
    """A signed-in client whose answers are checked against the document."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.document = json.loads(FILE.read_text())

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.client.request(method, V1 + path, json=body)
        assert answer.status_code == status, answer.text
        where = V1 + path.split("?", maxsplit=1)[0]
        promised = self.document["paths"][where][method.lower()]["responses"][str(status)]
        schema = promised["content"]["application/json"]["schema"]
        assert faults(answer.json(), schema, self.document) == [], path
        return answer.json()


async def talk_to(estate: Estate) -> Talk:
    auth = Auth(estate.folder, estate.home.clock)
    app = create_app(estate.home, auth, Options(energy=estate.energy))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
    client = httpx.AsyncClient(transport=transport, base_url=URL)
    answer = await client.post(f"{V1}/session", json={"user": "owner", "password": PASSWORD})
    assert answer.status_code == 200
    return Talk(client)


@pytest.mark.contract
def test_a_home_in_the_evening_tells_its_plan_and_takes_the_owners_word():
    async def live() -> None:
        async with an_estate(days=20) as estate:
            await estate.live(hours=1, minutes=2)
            talk = await talk_to(estate)
            await the_plan(talk)
            await the_owners_word(talk)
            await the_modes(talk)
            await refusals(talk)
            await talk.client.aclose()

    run(live())


async def the_plan(talk: Talk) -> None:
    plan = await talk.ask("GET", "/plan")
    assert (plan["state"], plan["rung"], plan["steering"]) == ("ok", "scenarios", True)
    assert len(plan["slots"]) == 72
    assert [one["n"] for one in plan["blocks"]] == list(range(1, len(plan["blocks"]) + 1))
    brief = await talk.ask("GET", "/plan?brief=1")
    assert brief["slots"] == []
    assert brief["blocks"] == plan["blocks"]
    for slot in plan["slots"]:
        grid = slot["import_kwh"] - slot["export_kwh"] - slot["curtail_kwh"]
        drawn = sum(one["kwh"] for one in slot["assets"])
        assert grid == pytest.approx(slot["load_kwh"] - slot["pv_kwh"] + drawn, abs=0.02)
        assert slot["pv_low_kwh"] <= slot["pv_kwh"] <= slot["pv_high_kwh"]
    for asset in plan["assets"]:
        for place in (0, 30):
            at = plan["slots"][place]["start"].replace("+", "%2B")
            why = await talk.ask("GET", f"/plan/why?slot={at}&asset={asset['asset']}")
            assert why["asset"] == asset["asset"]
            yen = [other["yen"] for other in why["others"]]
            assert yen == sorted(yen)
    result = await talk.ask("GET", "/plan/result")
    assert len([slot for slot in result["slots"] if slot["planned"]]) == 1
    quality = await talk.ask("GET", "/plan/quality")
    assert len(quality["days"]) >= 10
    assert all(0.0 < one["load_nmae"] < 2.0 for one in quality["days"])


async def the_owners_word(talk: Talk) -> None:
    plan = await talk.ask("GET", "/plan?brief=1")
    battery = next(one["asset"] for one in plan["assets"] if one["kind"] == "battery")
    word = {"asset": battery, "mode": "charge", "until": "1h", "kw": 1.0}
    told = await talk.ask("POST", "/plan/override", word)
    assert told["override"]["mode"] == "charge"
    assert (told["now"]["by"], told["now"]["outcome"]) == ("owner", "confirmed")
    assert told["now"]["kwh"] == pytest.approx(1.0, abs=0.02)  # one hour at 1 kW
    later = {"asset": battery, "mode": "hold", "until": "tomorrow"}
    assert (await talk.ask("POST", "/plan/override", later))["now"]["mode"] == "hold"
    back = await talk.ask("POST", "/plan/override", {"asset": battery, "mode": "plan"})
    assert back["override"] is None
    assert back["now"]["by"] != "owner"
    start = (await talk.ask("GET", "/plan"))["slots"][20]["start"]
    moved = {"asset": battery, "slot": start, "slots": 2, "mode": "charge", "kw": 2.0}
    assert isinstance((await talk.ask("POST", "/plan/try", moved))["yen"], float)
    await talk.ask("POST", "/plan/again")


async def the_modes(talk: Talk) -> None:
    modes = await talk.ask("GET", "/modes")
    rules = next(one for one in modes["modes"] if one["id"] == "solar_rules")
    assert [c["id"] for c in rules["conditions"]] == [f"ASC-{n:02d}" for n in range(1, 14)]
    assert len(rules["disclaimers"]) == 1  # ASC-14
    assert all(c["text"] and c["reading"] for c in rules["conditions"])
    chosen = await talk.ask("PUT", "/modes", {"mode": "solar_forecast"})
    assert chosen["mode"] == "solar_forecast"
    await talk.client.patch(f"{V1}/settings", json={"home": {"buying": "full"}})
    refused = await talk.ask("PUT", "/modes", {"mode": "solar_rules"}, 409)
    assert refused["error"]["code"] == "conditions_not_met"
    assert "ASC-02" in refused["error"]["expected"]


async def refusals(talk: Talk) -> None:
    await talk.ask("POST", "/plan/override", {"asset": "nobody", "mode": "hold"}, 404)
    plan = await talk.ask("GET", "/plan?brief=1")
    boiler = next(one["asset"] for one in plan["assets"] if one["kind"] == "water_heater")
    await talk.ask("POST", "/plan/override", {"asset": boiler, "mode": "discharge"}, 409)
    late = {"asset": boiler, "mode": "hold", "until": "2099-01-01T00:00:00Z"}
    await talk.ask("POST", "/plan/override", late, 422)
    await talk.ask("GET", "/plan/why?slot=2020-01-01T00:00:00Z", None, 404)
    await talk.ask("GET", "/plan/why?slot=2026-11-20T10:00:00", None, 422)
