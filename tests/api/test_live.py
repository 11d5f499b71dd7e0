"""The live stream over real sockets: what is sent, how often, and when it ends."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.api.conftest import PASSWORD
from tests.api.house import snapshot
from tests.api.street import Street
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from hidamari.core.reading import Event

Json = dict[str, Any]


@contextmanager
def sign_in(street: Street) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=street.url) as client:
        body = {"user": "owner", "password": PASSWORD}
        assert client.post("/api/v1/session", json=body).status_code == 200
        yield client


def watch(street: Street, client: httpx.Client, **more: Any) -> ClientConnection:
    cookie = {"Cookie": f"hidamari={client.cookies['hidamari']}"}
    url = street.url.replace("http", "ws") + "/api/v1/live"
    return connect(url, additional_headers=cookie, **more)


def hear(socket: ClientConnection, timeout: float = 5.0) -> Json:
    found: Json = json.loads(socket.recv(timeout))
    return found


def hear_all(socket: ClientConnection) -> None:
    """Hear until the connection ends."""
    while True:
        hear(socket)


def test_a_screen_gets_all_of_now_first_and_then_what_changes(street: Street) -> None:
    with sign_in(street) as client, watch(street, client, origin=street.url) as socket:
        first = hear(socket)
        assert first["type"] == "now"
        assert first["now"].keys() == client.get("/api/v1/now").json().keys()
        home = street.bench.home
        street.soon(lambda: home.tell(snapshot(home.clock.now(), use_kw=1.4, load_kw=1.4)))
        second = hear(socket)
        assert second["now"]["use_kw"] == 1.4
        assert "today" not in second["now"]


def test_new_values_come_once_a_second_on_the_whole_and_the_last_one_always(street: Street) -> None:
    home = street.bench.home
    with sign_in(street) as client, watch(street, client) as socket:
        hear(socket)
        start = time.perf_counter()
        for step in range(50):
            kw = 2.0 + step / 100
            street.soon(lambda kw=kw: home.tell(snapshot(home.clock.now(), pv_kw=kw)))
        heard = [hear(socket)["now"]["pv_kw"]]
        while heard[-1] != 2.49 and time.perf_counter() < start + 5:
            heard.append(hear(socket)["now"]["pv_kw"])
        assert heard[-1] == 2.49
        assert len(heard) <= 3 + (time.perf_counter() - start)


def test_a_value_does_not_wait_for_the_next_second(street: Street) -> None:
    """How many milliseconds it takes is measured by the bench; here: it is sent at once."""
    home = street.bench.home
    with sign_in(street) as client, watch(street, client) as socket:
        hear(socket)
        at = time.perf_counter()
        for pv_kw in (1.25, 1.5):  # the second is not held back either
            street.soon(lambda kw=pv_kw: home.tell(snapshot(home.clock.now(), pv_kw=kw)))
            assert hear(socket)["now"]["pv_kw"] == pv_kw
        assert time.perf_counter() - at < 0.9


def test_events_come_at_once(street: Street) -> None:
    home = street.bench.home
    with sign_in(street) as client, watch(street, client) as socket:
        hear(socket)
        event = Event(home.clock.now(), "notice", "bat1", "reserve_reached", {"soc_pct": 20})
        street.soon(lambda: home.record(event))
        told = hear(socket)
        assert told["type"] == "event"
        assert told["event"]["code"] == "reserve_reached"
        assert told["event"]["data"] == {"soc_pct": 20}
        assert told["event"]["seq"] == home.events[-1].seq


@pytest.mark.t(17)
def test_a_revoked_session_loses_its_stream_within_five_seconds(street: Street) -> None:
    with sign_in(street) as client, watch(street, client) as socket:
        hear(socket)
        start = time.perf_counter()
        assert client.delete("/api/v1/session").status_code == 204
        with pytest.raises(ConnectionClosed) as closed:
            hear_all(socket)
        assert time.perf_counter() - start < 5.0
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


def test_no_stream_without_a_session_or_for_other_pages(street: Street) -> None:
    url = street.url.replace("http", "ws") + "/api/v1/live"
    with pytest.raises(InvalidStatus) as refused:
        connect(url)
    assert refused.value.response.status_code == 401
    with sign_in(street) as client, pytest.raises(InvalidStatus) as refused:
        watch(street, client, origin="http://evil.example")
    assert refused.value.response.status_code == 403


def test_a_screen_that_talks_too_much_is_cut_off_and_its_listener_goes(street: Street) -> None:
    home = street.bench.home
    with sign_in(street) as client, watch(street, client) as socket:
        hear(socket)
        assert len(home.listeners) == 1
        with suppress(ConnectionClosed):
            for _ in range(2000):
                socket.send("x" * 1000)
        with pytest.raises(ConnectionClosed):
            hear_all(socket)
    deadline = time.perf_counter() + 5
    while home.listeners and time.perf_counter() < deadline:
        time.sleep(0.02)
    assert home.listeners == []


def test_the_sums_come_again_when_a_minute_has_passed(street: Street) -> None:
    home = street.bench.home
    with sign_in(street) as client, watch(street, client) as socket:
        hear(socket)
        home.clock.advance(60)
        later = home.clock.now() + timedelta(seconds=1)
        street.soon(lambda: home.tell(snapshot(later)))
        assert "today" not in hear(socket)["now"]  # a value does not wait for its day's sum
        told: Json = {}
        while "today" not in told:
            street.soon(lambda: home.tell(snapshot(later)))
            told = hear(socket)["now"]


@pytest.mark.t(15)
def test_a_stranger_is_refused_once_and_nothing_is_logged_as_an_error(
    street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    url = street.url.replace("http", "ws") + "/api/v1/live"
    with pytest.raises(InvalidStatus) as refusal:
        connect(url).close()
    assert refusal.value.response.status_code == 401
    assert json.loads(refusal.value.response.body or b"")["error"]["code"] == "unauthorized"
    assert street.is_well()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
