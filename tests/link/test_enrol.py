"""How a home comes to its owner, against a service that refuses, is away or talks nonsense."""

import asyncio
import json
import logging
import socket
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from hidamari.core.errors import HidamariError, LinkError
from hidamari.home.device_key import FILE, own_identity, save_identity
from hidamari.link import enrol
from hidamari.link.enrol import Enrolment, Refused
from hidamari.link.identity import Identity

KNOWN = b'{"kind":"cloud","server_time_ms":1800000000000,"name":"x","version":"1"}'
Answer = Callable[[str, bytes], bytes]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def http(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d x\r\ncontent-type: application/json\r\n\r\n%s" % (status, body)


def refusal(status: int, code: str) -> bytes:
    return http(status, json.dumps({"error": {"code": code, "message": "x"}}).encode())


def against(answer: Answer, steps: Callable[[Enrolment], Awaitable[None]]) -> list[str]:
    """Take steps against a service that answers like this; the paths it was asked for."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = int(head.lower().partition("content-length: ")[2].split("\r\n")[0])
        path = head.split(" ")[1]
        asked.append(path)
        body = await reader.readexactly(size)
        writer.write(answer(path, body))

    asyncio.run(serving(serve, steps))
    return asked


async def serving(serve: Serve, steps: Callable[[Enrolment], Awaitable[None]]) -> None:
    """Take steps against a server; every connection is closed at its end."""
    tasks: list[asyncio.Task[None]] = []

    async def to_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(to_the_end(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await steps(Enrolment(f"http://127.0.0.1:{port}", Identity.new(), None))
        for task in tasks:
            await task


@pytest.mark.req("APP-12")
def test_a_home_whose_device_code_is_taken_asks_with_another_one() -> None:
    codes: list[str] = []

    def answer(path: str, body: bytes) -> bytes:
        if path == enrol.WELL_KNOWN:
            return http(200, KNOWN)
        codes.append(json.loads(body)["device_code"])
        if len(codes) < 3:
            return refusal(409, "device_code_taken")
        return http(200, b'{"bound":false,"server_time_ms":1}')

    async def steps(desk: Enrolment) -> None:
        before = desk.identity
        identity, is_bound = await desk.register("1")
        assert (identity.code, is_bound) == (codes[-1], False)
        assert identity.home == before.home
        assert identity.public_key == before.public_key

    against(answer, steps)
    assert len(set(codes)) == 3


def test_a_service_that_takes_no_code_at_all_is_not_asked_for_ever() -> None:
    def answer(path: str, body: bytes) -> bytes:
        return http(200, KNOWN) if path == enrol.WELL_KNOWN else refusal(409, "device_code_taken")

    async def steps(desk: Enrolment) -> None:
        with pytest.raises(LinkError, match="device code"):
            await desk.register("1")

    assert len(against(answer, steps)) == 10  # five tries, the time before each


def test_another_refusal_is_told_and_changes_nothing() -> None:
    def answer(path: str, body: bytes) -> bytes:
        return http(200, KNOWN) if path == enrol.WELL_KNOWN else refusal(403, "bad_proof")

    async def steps(desk: Enrolment) -> None:
        code = desk.identity.code
        with pytest.raises(Refused) as refused:
            await desk.register("1")
        assert (refused.value.status, refused.value.code) == (403, "bad_proof")
        assert desk.identity.code == code

    against(answer, steps)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"\x00" * 100,
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc x\r\n\r\n{}",
        http(200, b"<html>sign in to this network</html>"),
        http(200, b"null"),
        http(200, b'{"kind":"home","server_time_ms":1}'),
        http(200, b'{"kind":"cloud","server_time_ms":"now"}'),
        http(302, KNOWN),
        http(500, b""),
        http(200, b"[" * 200_000),
        http(200, b'{"x":' + b"[" * 50_000),
        http(200, b"\xff"),
        http(403, b'{"error":' + b"[" * 50_000),
        b"HTTP/1.1 200 x\r\n" + b"a: b\r\n" * 20_000,
    ],
)
def test_what_is_no_service_of_ours_is_an_error_and_gets_nothing_signed(nonsense: bytes) -> None:
    async def steps(desk: Enrolment) -> None:
        with pytest.raises((LinkError, OSError)):
            await desk.status()

    assert against(lambda path, body: nonsense, steps) == [enrol.WELL_KNOWN]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"{}",
        b'{"bound":"yes"}',
        b'{"bound":7}',
        b"\xff",
        b"[" * 5000,
        b'{"x":' + b"[" * 50_000,
    ],
)
def test_an_answer_that_is_none_of_ours_is_an_error(nonsense: bytes) -> None:
    def answer(path: str, body: bytes) -> bytes:
        return http(200, KNOWN if path == enrol.WELL_KNOWN else nonsense)

    async def steps(desk: Enrolment) -> None:
        for call in (desk.status, desk.link_code, lambda: desk.register("1")):
            with pytest.raises(LinkError):
                await call()

    against(answer, steps)


def test_a_service_that_is_away_or_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(enrol, "WITHIN_S", 0.2)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the home gives up

    async def steps(desk: Enrolment) -> None:
        with pytest.raises(TimeoutError):
            await desk.status()

    asyncio.run(serving(serve, steps))
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    nobody = Enrolment(f"http://127.0.0.1:{port}", Identity.new(), None)
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(nobody.status())


@pytest.mark.req("APP-12")
def test_a_home_keeps_who_it_is_in_a_file_for_its_eyes_only(tmp_path: Path) -> None:
    first = own_identity(tmp_path)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert own_identity(tmp_path).to_bytes() == first.to_bytes()
    save_identity(tmp_path, first.with_new_code())
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert own_identity(tmp_path).home == first.home


def test_a_key_file_that_others_may_read_is_closed_to_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = own_identity(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    with caplog.at_level(logging.WARNING):
        assert own_identity(tmp_path).home == first.home
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert "others" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 200])
def test_a_key_file_that_is_damaged_makes_a_new_home_and_says_so(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    first = own_identity(tmp_path)
    for path in tmp_path.glob(f"{FILE}*"):
        path.write_bytes(content)
    second = own_identity(tmp_path)
    assert second.home != first.home
    assert "new one to the service" in caplog.text
    assert own_identity(tmp_path).home == second.home


def test_a_key_file_that_may_not_be_read_is_not_replaced(tmp_path: Path) -> None:
    """It may be whole: an error that lasts a moment must not make this home another one."""
    (tmp_path / FILE).mkdir()
    with pytest.raises((HidamariError, OSError)):
        own_identity(tmp_path)
    assert (tmp_path / FILE).is_dir()
