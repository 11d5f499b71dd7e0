"""Real doors on loopback: slow, hoarding and raving clients, TLS, and ports that are taken."""

import hashlib
import random
import socket
import ssl
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import PASSWORD, Bench
from tests.api.street import HOST, Street

from hidamari.api.certificate import door_key
from hidamari.core.errors import StartError
from hidamari.http import protocol
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.protocol import MAX_CONNECTIONS

HEAD = b"GET /.well-known/hidamari HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.mark.t(16)
def test_both_doors_answer_and_the_secure_one_shows_its_own_key(street: Street) -> None:
    assert street.is_well()
    trusted = ssl.create_default_context(cafile=str(street.key.path))
    with httpx.Client(verify=trusted, base_url=street.secure_url) as client:
        answer = client.post("/api/v1/session", json={"user": "owner", "password": PASSWORD})
        assert answer.status_code == 200
        assert client.get("/api/v1/users").status_code == 200
    der = ssl.PEM_cert_to_DER_cert(
        ssl.get_server_certificate((HOST, street.listening.https_port or 0))
    )
    assert hashlib.sha256(der).hexdigest() == street.key.sha256.replace(":", "").lower()


GARBAGE = [
    b"\x00" * 100,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 200,  # TLS at the plain door
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",  # no Host
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"ffffffffffffffff\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\r\n" * 500,
    b"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\n"
    b"Upgrade: websocket\r\n\r\n",
    b"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 7\r\n\r\n",
]


@pytest.mark.t(16)
@pytest.mark.t(15)
def test_garbage_gets_no_success_and_harms_nobody(street: Street) -> None:
    for junk in GARBAGE:
        with street.connect() as one:
            with suppress(ConnectionError):
                one.sendall(junk)
                one.shutdown(socket.SHUT_WR)
            answer = b""
            with suppress(ConnectionError):
                while part := one.recv(65536):
                    answer += part
            assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 5")), junk
    assert street.is_well()


@pytest.mark.t(15)
def test_random_bytes_harm_nobody(street: Street) -> None:
    rng = random.Random(7)
    words = [b"GET ", b"POST ", b"/api/v1/now", b" HTTP/1.1\r\n", b"Host: 127.0.0.1\r\n", b"\r\n"]
    for _ in range(300):
        parts = [rng.choice(words) if rng.random() < 0.7 else rng.randbytes(5) for _ in range(12)]
        with street.connect() as one, suppress(ConnectionError):
            one.sendall(b"".join(parts))
    assert street.is_well()


def test_an_address_is_told_as_people_write_it(bench: Bench) -> None:
    """A door for both kinds of addresses shows IPv4 ones wrapped (RFC 4291 2.5.5.2)."""

    async def talk(client: httpx.AsyncClient) -> None:
        assert bench.home.events[-1].data["address"] == "192.168.1.20"

    bench.talk(talk, address="::ffff:192.168.1.20")


@pytest.mark.t(16)
def test_hoarding_connections_does_not_shut_out_the_others(street: Street) -> None:
    held = [street.connect() for _ in range(3 * MAX_CONNECTIONS)]
    for one in held[::2]:
        with suppress(ConnectionError):
            one.sendall(HEAD)  # a head that never ends
    for _ in range(5):
        assert street.is_well()
    for one in held:
        one.close()


@pytest.mark.t(16)
def test_a_slow_head_and_a_slow_body_are_cut_off(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "READ_TIMEOUT_S", 0.3)
    monkeypatch.setattr("hidamari.http.asgi.READ_TIMEOUT_S", 0.3)
    with street.connect() as silent, street.connect() as slow, street.connect() as half:
        slow.sendall(HEAD)
        half.sendall(
            b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
        )
        assert half.recv(65536).startswith(b"HTTP/1.1 408")
        for one in (silent, slow):
            with suppress(ConnectionError):
                assert one.recv(65536) == b""
        assert street.is_well()


@pytest.mark.t(16)
def test_slow_bodies_and_clients_that_do_not_read_do_not_shut_out_the_others(
    street: Street,
) -> None:
    """From many addresses, so that the limit of requests for one of them does not help."""
    post = (
        b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    )
    document = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 5
    for start, junk in ((10, post), (110, document)):
        held = [street.connect(f"127.0.6.{start + i}", 2048) for i in range(MAX_CONNECTIONS)]
        for one in held:
            with suppress(ConnectionError):
                one.sendall(junk)
        for _ in range(3):
            assert street.is_well()
        for one in held:
            one.close()


@pytest.mark.t(16)
def test_a_client_that_does_not_read_is_cut_off(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "WRITE_TIMEOUT_S", 0.3)
    body = {"user": "owner", "password": PASSWORD}
    with httpx.Client(base_url=street.url) as client:
        client.post("/api/v1/session", json=body)
        cookie = client.cookies["hidamari"]
    ask = (
        f"GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: hidamari={cookie}\r\n\r\n"
    )
    asked = ask.encode() * 100  # 13 MB of answers: more than the buffers of both sides hold
    assert any(_heard_bytes(street, asked, pause_s) < 100 * 100_000 for pause_s in (1, 3, 9))


def _heard_bytes(street: Street, asked: bytes, pause_s: float) -> int:
    """What comes back to somebody who reads nothing for a while."""
    heard = 0
    with street.connect(buffer_bytes=2048) as lazy:
        lazy.sendall(asked)
        time.sleep(pause_s)
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        lazy.settimeout(2)
        with suppress(ConnectionError, TimeoutError):
            while part := lazy.recv(1 << 20):
                heard += len(part)
    return heard


@pytest.mark.t(16)
def test_tls_handshakes_that_never_come_harm_nobody(street: Street) -> None:
    held = [
        socket.create_connection((HOST, street.listening.https_port or 0), timeout=5)
        for _ in range(100)
    ]
    assert street.is_well()
    for one in held:
        one.close()


def test_a_connection_serves_many_requests_in_a_row(street: Street) -> None:
    with httpx.Client(base_url=street.url) as client:
        for _ in range(10):
            assert client.get("/.well-known/hidamari").status_code == 200


def test_a_taken_port_is_named() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"port {port} is taken"):
            Listening(DoorPlan(HOST, port, None))
        with pytest.raises(StartError, match=f"port {port} is taken"):
            Listening(DoorPlan(HOST, 0, port))


def test_the_key_stays_the_same_and_is_made_anew_only_when_it_must(
    tmp_path: Path, bench: Bench
) -> None:
    now = bench.home.clock.now()
    first = door_key(tmp_path, ["hidamari.local", "192.168.1.10", "fe80::1"], now)
    assert door_key(tmp_path, ["other.local"], now).sha256 == first.sha256
    assert first.path.stat().st_mode & 0o777 == 0o600
    first.path.write_bytes(b"junk")
    second = door_key(tmp_path, ["hidamari.local"], now)
    assert second.sha256 != first.sha256
    second.context()
    far = now.replace(year=now.year + 11)
    assert door_key(tmp_path, ["hidamari.local"], far).sha256 != second.sha256
