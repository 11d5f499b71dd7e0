"""While a home is being loaded its page is served, and every other question waits for it."""

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import Bench
from tests.api.street import HOST, Street

from hidamari.home.start import is_http_closed
from hidamari.http.headers import POLICY
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.porch import MOST, Porch
from hidamari.http.web_files import WebFiles
from hidamari.store.settings import save_copy

PACKED = gzip.compress(b"<!doctype html>")
PAGE = b"<!doctype html><title>Hidamari</title>"
PLAIN = {"accept-encoding": "identity"}
ASK = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture
def porch(tmp_path: Path) -> Iterator[Porch]:
    (tmp_path / "index.html").write_bytes(PAGE)
    (tmp_path / "index.html.gz").write_bytes(PACKED)
    listening = Listening(DoorPlan(HOST, 0, None))
    found = Porch(listening, WebFiles(tmp_path), frozenset({"hidamari.local"}))
    yield found
    found.leave()
    listening.close()


def connect(porch: Porch) -> socket.socket:
    found = socket.create_connection((HOST, porch.listening.http_port), 10)
    found.settimeout(10)
    return found


def url(porch: Porch) -> str:
    return f"http://{HOST}:{porch.listening.http_port}"


@pytest.mark.t(26)
def test_the_page_is_there_before_the_home_and_says_what_the_homes_own_answer_says(
    porch: Porch,
) -> None:
    plain = httpx.get(url(porch), headers=PLAIN)
    assert (plain.status_code, plain.content) == (200, PAGE)
    assert plain.headers["content-security-policy"] == POLICY
    assert plain.headers["content-type"] == "text/html; charset=utf-8"
    assert httpx.get(f"{url(porch)}/graphs/day", headers=PLAIN).content == PAGE
    again = httpx.get(url(porch), headers={"if-none-match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    with connect(porch) as one:
        one.sendall(ASK + b"Accept-Encoding: gzip, br\r\n\r\n")
        answer = one.recv(4096)
    assert b"content-encoding: gzip\r\n" in answer
    assert answer.endswith(b"\r\n\r\n" + PACKED)


WAITING = [
    b"GET /.well-known/hidamari HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /api/v1/now HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /api HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /../hidamari.db HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
    ASK + b"Origin: http://evil.example\r\n\r\n",
    ASK + b"Sec-Fetch-Site: cross-site\r\n\r\n",
    ASK + b"Content-Length: 3\r\n\r\nabc",
    ASK + b"\r\n" + ASK + b"\r\n",
    ASK,
    b"\x16\x03\x01",
]


@pytest.mark.t(16)
def test_what_is_not_plainly_the_page_waits_unread(porch: Porch) -> None:
    asked = [connect(porch) for _ in WAITING]
    for one, words in zip(asked, WAITING, strict=True):
        one.sendall(words)
    assert httpx.get(url(porch), headers=PLAIN).status_code == 200
    porch.leave()
    waiting = {one.getpeername(): one for one in porch.listening.waiting}
    for one, words in zip(asked, WAITING, strict=True):
        assert waiting[one.getsockname()].recv(4096) == words
        one.close()


def test_a_crowd_and_its_garbage_cannot_shut_anybody_out(porch: Porch) -> None:
    crowd = [connect(porch) for _ in range(MOST + 20)]
    with connect(porch) as late:
        late.sendall(ASK + b"\r\n")
        porch.leave()
        assert len(porch.listening.waiting) <= MOST
        for one in crowd:
            one.close()
        porch.listening.http.setblocking(True)
        queued = 0
        while queued < len(crowd) + 1 - len(porch.listening.waiting):
            porch.listening.http.accept()[0].close()
            queued += 1


@pytest.mark.t(16)
def test_the_home_answers_whoever_waited_for_it(bench: Bench) -> None:
    street = Street(bench)
    porch = Porch(street.listening, WebFiles(None), frozenset())
    early = street.connect()
    early.sendall(b"GET /.well-known/hidamari HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    foreign = street.connect()
    foreign.sendall(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    while not porch.listening.waiting:
        assert street.listening.http.fileno() > 0
    porch.leave()
    with street, early, foreign:
        assert early.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert foreign.recv(65536).startswith(b"HTTP/1.1 421 ")
        assert street.is_well()


def test_a_door_that_the_owner_closed_stays_closed_during_a_start(tmp_path: Path) -> None:
    assert not is_http_closed(tmp_path)
    for door, closed in ((True, False), (False, True)):
        save_copy(tmp_path / "settings.json", {"network": f'{{"http_door": {str(door).lower()}}}'})
        assert is_http_closed(tmp_path) is closed
