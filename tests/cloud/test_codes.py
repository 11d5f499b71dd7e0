"""Link codes: wrong, used, expired and guessed ones open nothing (reliability 4.3, T18)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert, select
from tests.cloud.running import PLAIN, QUICK, V1, Running, service_on
from tests.cloud.sent import NOW, OTHER

from hidamari.cloud import codes
from hidamari.cloud.devices import Device, register
from hidamari.cloud.main import CloudWishes, opened
from hidamari.cloud.place import place_of
from hidamari.cloud.service import Service
from hidamari.cloud.tables import account, link_code
from hidamari.core.clock import VirtualClock
from hidamari.http.errors import ApiError
from hidamari.http.passwords import Hashing
from hidamari.link.enrol import Refused

ATTACKERS = 1000
HOME, CODE = OTHER, "0123456789"


@asynccontextmanager
async def desk(store: str, folder: Path, clock: VirtualClock) -> AsyncIterator[Service]:
    """The service without its doors; hashes are quick here, what is counted is the same."""
    place = place_of("http://127.0.0.1")
    parts = opened(CloudWishes(store, folder, 0), place, clock, Hashing(QUICK))
    async with parts as (service, _):
        yield service


async def people(service: Service, many: int) -> list[int]:
    """Accounts, made without mails."""
    rows = [
        {"mail": f"m{n}@example.jp", "password_hash": "", "lang": "ja", "created_ms": n}
        for n in range(many)
    ]
    async with service.database.writing() as connection:
        made = await connection.execute(insert(account).returning(account.c.id), rows)
        return list(made.scalars())


def wrong(code: str, by: int = 1) -> str:
    """Another code of six digits."""
    return f"{(int(code) + by) % 10**6:06d}"


async def guess(service: Service, who: int, code: str, device_code: str = CODE) -> str:
    """The error of a try; empty where it was right."""
    try:
        await codes.prove(service, who, device_code, code)
    except ApiError as error:
        return error.code
    return ""


@pytest.mark.contract
@pytest.mark.t(18)
@pytest.mark.req("APP-12")
def test_a_thousand_attackers_get_five_tries_at_a_code_in_all_also_across_restarts(
    store: str, tmp_path: Path
):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with desk(store, tmp_path, clock) as service:
            await register(service, Device(HOME, CODE, bytes(32), None), "0.1.0")
            attackers = await people(service, ATTACKERS)
            owner = await people_named(service, "owner@example.jp")
            issued = await codes.issue(service, HOME, by_button=False)
        for first in range(0, ATTACKERS, ATTACKERS // 4):  # the service is started anew in between
            async with desk(store, tmp_path, clock) as service:
                told = await asyncio.gather(
                    *(
                        guess(service, who, wrong(issued.code, 1 + who))
                        for who in attackers[first : first + ATTACKERS // 4]
                    )
                )
                assert set(told) == {"wrong_code"}
                async with service.database.reading() as connection:
                    tries = await connection.scalar(select(link_code.c.tries))
                assert tries == codes.MAX_TRIES
        async with desk(store, tmp_path, clock) as service:
            assert await codes.open_code(service, HOME) is None
            assert await guess(service, owner, issued.code) == "wrong_code"  # it is void

    asyncio.run(run())


async def people_named(service: Service, mail: str) -> int:
    values = {"mail": mail, "password_hash": "", "lang": "ja", "created_ms": 0}
    async with service.database.writing() as connection:
        made = await connection.execute(insert(account).values(values).returning(account.c.id))
        return int(made.scalar_one())


@pytest.mark.contract
@pytest.mark.t(18)
def test_fifty_parallel_tries_over_the_network_count_as_five(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            person = await running.person("hanako@example.jp")
            home = running.home()
            await home.register()
            code = (await home.link_code()).code
            body = {"device_code": home.identity.code, "nickname": "でんわ"}
            answers = await asyncio.gather(
                *(
                    from_address(
                        running, f"127.0.1.{n}", person.browser.cookies, body, wrong(code, n)
                    )
                    for n in range(1, 51)
                )
            )
            told = [answer.json()["error"]["code"] for answer in answers]
            assert told.count("wrong_code") == codes.WRONG_AN_HOUR
            assert told.count("too_many_codes") == 50 - codes.WRONG_AN_HOUR
            status = await home.status()
            assert (status.bound, status.code) == (False, None)

    asyncio.run(run())


async def from_address(
    running: Running, address: str, cookies: httpx.Cookies, body: dict[str, str], code: str
) -> httpx.Response:
    """A claim from another address of the same person."""
    transport = httpx.AsyncHTTPTransport(local_address=address, verify=PLAIN)
    async with httpx.AsyncClient(
        base_url=running.url, transport=transport, cookies=cookies, trust_env=False, timeout=40
    ) as client:
        return await client.post(f"{V1}/homes/claim", json=body | {"link_code": code})


@pytest.mark.contract
def test_wrong_used_expired_and_replaced_codes_and_unknown_homes_get_the_same_answer(
    store: str,
    tmp_path: Path,
):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with desk(store, tmp_path, clock) as service:
            await register(service, Device(HOME, CODE, bytes(32), None), "0.1.0")
            (who,) = await people(service, 1)
            first = await codes.issue(service, HOME, by_button=False)
            second = await codes.issue(service, HOME, by_button=False)
            assert await guess(service, who, second.code, "9999999999") == "wrong_code"
            if first.code != second.code:
                assert await guess(service, who, first.code) == "wrong_code"  # replaced
            assert await guess(service, who, wrong(second.code)) == "wrong_code"
            proven = await codes.prove(service, who, CODE, second.code)
            found = await codes.open_code(service, HOME)
            assert found is not None  # a right try is no guess
            assert found.tries_left == codes.MAX_TRIES - (1 if first.code == second.code else 2)
            async with service.database.writing() as connection:
                await codes.use(connection, proven, service.now_ms())
            assert await guess(service, who, second.code) == "wrong_code"  # used
            third = await codes.issue(service, HOME, by_button=False)
            clock.advance(3600)
            assert await guess(service, who, third.code) == "wrong_code"  # expired

    asyncio.run(run())


@pytest.mark.contract
def test_an_account_makes_ten_wrong_tries_an_hour_and_a_right_one_is_none_of_them(
    store: str, tmp_path: Path
):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with desk(store, tmp_path, clock) as service:
            await register(service, Device(HOME, CODE, bytes(32), None), "0.1.0")
            who, other = await people(service, 2)
            for _ in range(codes.WRONG_AN_HOUR):
                assert await guess(service, who, "000000", "9999999999") == "wrong_code"
            right = await codes.issue(service, HOME, by_button=False)
            assert await guess(service, who, right.code) == "too_many_codes"
            for _ in range(codes.WRONG_AN_HOUR + 1):
                assert await guess(service, other, right.code) == ""
            clock.advance(3601)
            assert await guess(service, who, "000000", "9999999999") == "wrong_code"

    asyncio.run(run())


@pytest.mark.contract
def test_a_hundred_wrong_codes_in_an_hour_raise_an_alarm(
    store: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with desk(store, tmp_path, clock) as service:
            who = await people(service, 20)
            with caplog.at_level(logging.ERROR, "hidamari.cloud.codes"):
                await asyncio.gather(*(guess(service, who[n % 20], "000000") for n in range(99)))
                assert caplog.messages == []
                await guess(service, who[19], "000000")
                assert caplog.messages == ["alarm: 100 wrong link codes within an hour"]

    asyncio.run(run())


@pytest.mark.contract
def test_a_home_issues_five_codes_an_hour(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            home = running.home()
            await home.register()
            shown = [(await home.link_code()).code for _ in range(codes.ISSUES_AN_HOUR)]
            assert all(len(code) == 6 and code.isdecimal() for code in shown)
            with pytest.raises(Refused, match="429 too_many_codes"):
                await home.link_code()
            clock.advance(3601)
            await home.link_code()

    asyncio.run(run())


@pytest.mark.contract
def test_after_fifteen_voided_codes_in_a_year_the_button_is_needed(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with desk(store, tmp_path, clock) as service:
            await register(service, Device(HOME, CODE, bytes(32), None), "0.1.0")
            for _ in range(codes.VOIDED_A_YEAR):
                issued = await codes.issue(service, HOME, by_button=False)
                (who,) = [await people_named(service, f"{issued.expires_ms}@example.jp")]
                for n in range(codes.MAX_TRIES):
                    await guess(service, who, wrong(issued.code, n + 1))
                clock.advance(1800)
            with pytest.raises(ApiError) as refused:
                await codes.issue(service, HOME, by_button=False)
            assert refused.value.code == "button_needed"
            await codes.issue(service, HOME, by_button=True)
            clock.advance(366 * 86400)
            await codes.issue(service, HOME, by_button=False)

    asyncio.run(run())
