"""Devices, circuits, sources, settings, set-up, events, the web app: what each does."""

import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.conftest import Bench
from tests.api.house import NOW, POWERS

from hidamari.answers.sentence import sentence_code
from hidamari.api.app import Options
from hidamari.core.access import Role
from hidamari.core.errors import DeviceSilent, StoreBusy, StoreFull
from hidamari.core.reading import Event
from hidamari.home.view import Edit

V1 = "/api/v1"


def test_devices_are_told_in_the_readers_language(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        for lang, title in (("ja", "蓄電池"), ("en-GB,en;q=0.9", "Battery"), ("de", "蓄電池")):
            head = {"accept-language": lang}
            (one,) = (await client.get(f"{V1}/devices", headers=head)).json()
            assert one["kind_title"] == title
        detail = (await client.get(f"{V1}/devices/bat1")).json()
        (line,) = detail["properties"]
        assert (line["epc"], line["raw"], line["value"]) == ("E4", "3D", 61.5)
        assert detail["age_s"] == 4.0

    bench.talk(talk)


def test_names_are_trimmed_limited_and_passed_on(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        url = f"{V1}/devices/bat1"
        assert (await client.patch(url, json={"name": "  北の蓄電池 "})).status_code == 200
        assert bench.home.edits == [("bat1", Edit(name="北の蓄電池"))]
        for wrong in ({"name": "x" * 61}, {"name": "a\nb"}, {"colour": "red"}, {"hidden": "maybe"}):
            assert (await client.patch(url, json=wrong)).status_code == 422
        assert (await client.patch(f"{V1}/devices/none", json={"name": "x"})).status_code == 404
        assert (await client.get(f"{V1}/devices/none")).status_code == 404
        body = {"by": "none"}
        assert (await client.post(f"{url}/replace", json=body)).status_code == 404

    bench.talk(talk)


def test_circuits_carry_todays_energy(filled: Bench) -> None:
    """24 half-hours of 0.1 kWh until noon."""

    async def talk(client: httpx.AsyncClient) -> None:
        first, second = (await client.get(f"{V1}/circuits")).json()
        assert first["today_kwh"] == pytest.approx(2.4)
        assert first["power_kw"] == 0.5
        assert second["power_kw"] is None
        assert second["age_s"] is None
        assert (await client.patch(f"{V1}/circuits/circuit:9", json={})).status_code == 404
        every = (await client.get(f"{V1}/circuits?hidden=true")).json()
        assert [one["hidden"] for one in every] == [False, False, True]
        shown = await client.patch(f"{V1}/circuits/circuit:3", json={"hidden": False})
        assert shown.json()["id"] == "circuit:3"
        assert filled.home.edits == [("circuit:3", Edit(hidden=False))]

    filled.talk(talk)


def test_sources_are_chosen_all_or_none(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        (one,) = (await client.get(f"{V1}/sources")).json()
        assert one["differs"] == {"kwh": 0.6, "pct": 7.0}
        for wrong in ({"grid": "meter1", "pv": "x"}, {"grid": "meter9"}, {"grid": 1}, ["grid"]):
            assert (await client.patch(f"{V1}/sources", json=wrong)).status_code == 422
        assert bench.home.edits == []
        assert (await client.patch(f"{V1}/sources", json={"grid": "meter1"})).status_code == 200
        assert bench.home.edits == [("grid", "meter1")]

    bench.talk(talk)


def test_settings_change_by_merge_and_name_what_is_wrong(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        url = f"{V1}/settings"
        tree = (await client.patch(url, json={"home": {"people": 4}})).json()
        assert tree["home"]["people"] == 4
        assert tree["home"]["name"] == "陽だまりの家"
        wrong = await client.patch(url, json={"home": {"zone": "Mars/Base"}})
        assert wrong.status_code == 422
        assert "home.zone" in wrong.json()["error"]["message"]
        calm = (await client.patch(url, json={"network": {"live_s": 300}})).json()
        assert calm["network"]["live_s"] == 300
        hasty = await client.patch(url, json={"network": {"live_s": 9}})
        assert hasty.status_code == 422
        assert "network.live_s" in hasty.json()["error"]["message"]
        tree = (await client.patch(url, json={"network": {"live_s": 10}})).json()
        unknown = await client.patch(url, json={"nonsense": 1})
        assert "nonsense" in unknown.json()["error"]["message"]
        assert (await client.get(url)).json() == tree
        assert bench.home.events[-1].code == "settings_changed"

    bench.talk(talk)


def test_network_settings_are_the_owners(bench: Bench) -> None:
    bench.add("taro", Role.MEMBER)

    async def talk(client: httpx.AsyncClient) -> None:
        url = f"{V1}/settings"
        assert (await client.patch(url, json={"target": {"month_kwh": 300}})).status_code == 200
        refused = await client.patch(
            url, json={"target": {"month_kwh": 1}, "network": {"http_door": False}}
        )
        assert refused.status_code == 403
        assert (await client.get(url)).json()["target"]["month_kwh"] == 300

    bench.talk(talk, "taro")


def test_who_did_what_is_for_those_who_may_read_it(bench: Bench) -> None:
    bench.add("hana", Role.VIEWER)
    bench.home.record(Event(NOW, "notice", "home", "hello", {}))

    async def look(client: httpx.AsyncClient) -> None:
        seen.append({one["kind"] for one in (await client.get(f"{V1}/events")).json()["events"]})

    seen: list[set[str]] = []
    bench.talk(look, "owner")
    bench.talk(look, "hana")
    assert seen == [{"log", "notice"}, {"notice"}]


def test_events_come_page_by_page(bench: Bench) -> None:
    for n in range(5):
        bench.home.record(Event(NOW, "notice", "home", f"n{n}", {"n": n}))

    async def talk(client: httpx.AsyncClient) -> None:
        url = f"{V1}/events?kind=notice&limit=2"
        page = (await client.get(url)).json()
        codes = [one["code"] for one in page["events"]]
        while page["next_before"] is not None:
            page = (await client.get(f"{url}&before={page['next_before']}")).json()
            codes += [one["code"] for one in page["events"]]
        assert codes == ["n4", "n3", "n2", "n1", "n0"]
        for wrong in ("kind=gossip", "limit=0", "limit=100000", "before=x"):
            assert (await client.get(f"{V1}/events?{wrong}")).status_code == 422

    bench.talk(talk)


@pytest.mark.t(3)
def test_finished_steps_of_the_set_up_are_kept(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        before = (await client.get(f"{V1}/setup")).json()
        states = {one["id"]: one["state"] for one in before["steps"]}
        assert states == {
            "password": "done",
            "devices": "done",
            "circuits": "todo",
            "tariff": "done",
            "done": "todo",
        }
        assert before["needed"] is True
        skipped = await client.post(f"{V1}/setup/circuits", json={"skip": True})
        assert skipped.json()["steps"][2]["state"] == "skipped"
        assert (await client.post(f"{V1}/setup/done", json={})).json()["needed"] is False
        assert (await client.post(f"{V1}/setup/party", json={})).status_code == 404
        bench.rebuild(Options())
        assert (await client.get(f"{V1}/setup")).json()["needed"] is False

    bench.talk(talk)


def test_diagnostics_tell_the_store_and_the_house(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        body = (await client.get(f"{V1}/diagnostics")).json()
        assert body["store"]["first_day"] == "2026-04-01"
        assert body["store"]["size_bytes"] > 0
        assert body["home"]["uptime_s"] == 5
        assert body["door_sha256"] == "AB:CD"

    filled.rebuild(Options(door_sha256="AB:CD"))
    filled.talk(talk)


FAILURES = [
    (StoreFull("no room"), 507, "storage_full"),
    (StoreBusy("busy"), 503, "unavailable"),
    (DeviceSilent("no answer"), 424, "device_failed"),
    (ZeroDivisionError("secret detail"), 500, "internal"),
]


@pytest.mark.parametrize(("error", "status", "code"), FAILURES)
def test_failures_have_one_form_and_tell_no_inside_detail(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        transport = httpx.ASGITransport(bench.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=client.base_url, cookies=client.cookies
        ) as calm:
            answer = await calm.get(f"{V1}/devices")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert "secret" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"

    def fail(lang: str) -> Any:
        raise error

    monkeypatch.setattr(bench.home, "devices", fail)
    bench.talk(talk)


def test_the_web_app_is_served_with_the_right_cache_and_packed(bench: Bench) -> None:
    folder = bench.home.folder / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "assets/app-1a2b.js").write_text("const a = 1;")
    (folder / "assets/app-1a2b.js.gz").write_bytes(gzip.compress(b"const a = 1;"))
    (folder / "manifest.webmanifest").write_text("{}")
    bench.rebuild(Options(web=folder))

    async def talk(client: httpx.AsyncClient) -> None:
        for path in ("/", "/history", "/devices/bat1", "/devices/circuit:3"):
            page = await client.get(path)
            assert page.status_code == 200
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert page.headers["cache-control"] == "no-cache"
        script = await client.get("/assets/app-1a2b.js")
        assert script.text == "const a = 1;"
        assert script.headers["content-encoding"] == "gzip"
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
        plain = await client.get("/assets/app-1a2b.js", headers={"accept-encoding": "br"})
        assert "content-encoding" not in plain.headers
        again = await client.get("/", headers={"if-none-match": page.headers["etag"]})
        assert again.status_code == 304
        assert (await client.get("/assets/gone.js")).status_code == 404
        manifest = await client.get("/manifest.webmanifest")
        assert manifest.headers["content-type"] == "application/manifest+json"
        assert (await client.head("/")).status_code == 200
        assert (await client.post("/history")).status_code == 405
        assert (await client.get("/api/v2/now")).status_code == 404

    bench.talk(talk, None)


# The same table is put to the browser's own rule (ui/tests/energy.test.ts).
SENTENCES = json.loads((Path(__file__).parents[1] / "data/sentences.json").read_text())


@pytest.mark.req("UI-04")
@pytest.mark.parametrize(("code", "known_kw"), SENTENCES)
def test_the_sentence_says_what_is_happening(code: str, known_kw: dict[str, float]) -> None:
    assert sentence_code(dict.fromkeys(POWERS) | known_kw) == code


def test_old_values_are_called_stale(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        bench.home.clock.advance(87)
        assert (await client.get(f"{V1}/now")).json()["stale"] is True
        assert (await client.get(f"{V1}/now")).json()["sentence"]["code"] == "stale"

    bench.talk(talk)
