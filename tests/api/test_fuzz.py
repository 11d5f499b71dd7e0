"""Random requests to every endpoint: no failure inside, only documented answers, one error form."""

import asyncio
import json
import os
import random
import string
from typing import Any

import httpx
import pytest
from tests.api.conftest import Bench
from tests.api.openapi import faults

SEED = int(os.environ.get("SEED", "20260515"))
CASES = 800
GOODBYES = (("delete", "session"), ("put", "password"), ("delete", "users/owner"))
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    2**70,
    "",
    "x" * 300,
    "\x00",
    "\ud800",
    "ＡＢＣ１２３",
    "../..",
    "' or 1=1 --",
    "{{7*7}}",
    "2026-02-30",
    "9999-12-31T23:59:59-23:59",
    [],
    {},
    [[]],
    {"a": None},
    float("nan"),
]


def invent(schema: dict[str, Any], root: dict[str, Any], rng: random.Random) -> Any:
    """A value that mostly fits a schema."""
    while "$ref" in schema:
        schema = root["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    if rng.random() < 0.12:
        return rng.choice(ODD)
    if "anyOf" in schema:
        return invent(rng.choice(schema["anyOf"]), root, rng)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        known = schema.get("properties", {})
        picked = {k: invent(v, root, rng) for k, v in known.items() if rng.random() < 0.8}
        if not known:
            picked = {word(rng): rng.choice(ODD) for _ in range(rng.randrange(3))}
        return picked
    if kind == "array":
        return [invent(schema.get("items", {}), root, rng) for _ in range(rng.randrange(3))]
    if kind in {"integer", "number"}:
        return rng.choice([0, 1, 10, 30, -5, 0.5, 1e9])
    if kind == "boolean":
        return rng.random() < 0.5
    return word(rng)


def word(rng: random.Random) -> str:
    """A text that could be a name, a date, an id."""
    some = ["2026-05-01", "pv_kw", "owner", "bat1", "circuit:1", "2026-05", "home.pv_kw,soc_pct"]
    if rng.random() < 0.6:
        return rng.choice(some)
    return "".join(rng.choice(string.printable) for _ in range(rng.randrange(1, 12)))


def request(document: dict[str, Any], rng: random.Random) -> tuple[str, str, str, dict[str, Any]]:
    """A method, the path of the document, the path asked for, and what goes with it."""
    path = rng.choice(sorted(document["paths"]))
    method = rng.choice(sorted(document["paths"][path]))
    spec, query, real = document["paths"][path][method], {}, path
    for one in spec.get("parameters", []):
        value = invent(one["schema"], document, rng)
        text = str(value).encode("utf-8", "replace").decode()
        if one["in"] == "path":
            text = httpx.QueryParams({"p": text})["p"].replace("/", "_").replace("?", "_") or "x"
            real = real.replace("{" + one["name"] + "}", text.replace("#", "_").replace("%", "_"))
        elif one.get("required") or rng.random() < 0.7:
            query[one["name"]] = text
    more: dict[str, Any] = {"params": query}
    body = spec.get("requestBody", {}).get("content", {})
    if "application/json" in body:
        value = invent(body["application/json"]["schema"], document, rng)
        more["content"] = json.dumps(value)
        more["headers"] = {"content-type": "application/json"}
    elif body:
        more["content"] = "start_utc,pv_kwh\n" + "\n".join(word(rng) for _ in range(3))
    return method, path, real, more


@pytest.mark.t(15)
def test_random_requests_get_documented_answers_and_never_a_failure(filled: Bench) -> None:
    document = filled.app.openapi()
    rng = random.Random(SEED)
    print(f"SEED={SEED}")

    async def run() -> None:
        for part in range(CASES // 100):
            filled.home.clock.advance(60)  # pauses after wrong passwords are over
            async with filled.client("owner", address=f"127.0.7.{part}") as client:
                for _ in range(100):
                    await _one(client, document, rng)

    asyncio.run(run())


async def _one(client: httpx.AsyncClient, document: dict[str, Any], rng: random.Random) -> None:
    method, path, real, more = request(document, rng)
    if (method, real) in {(m, f"/api/v1/{rest}") for m, rest in GOODBYES}:
        return  # would end the conversation
    try:
        answer = await client.request(method.upper(), real, **more)
    except (httpx.InvalidURL, UnicodeEncodeError):
        return
    known = document["paths"][path][method]["responses"]
    case = (method, real, more, answer.text[:300])
    if answer.status_code == 405:
        return  # an empty part of a path made it another one
    assert str(answer.status_code) in known, case
    assert answer.status_code < 500, case
    schema = known[str(answer.status_code)].get("content", {}).get("application/json", {})
    if "schema" in schema:
        assert faults(answer.json(), schema["schema"], document) == [], case
