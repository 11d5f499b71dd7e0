"""A screen that only listens keeps its live stream, and one that asks is answered at once."""

import json
import time

import httpx
import pytest
from tests.api.conftest import PASSWORD
from tests.api.street import Street
from websockets.sync.client import connect

from hidamari.http import protocol


def test_a_live_stream_outlasts_the_time_for_a_request(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "READ_TIMEOUT_S", 0.2)
    with httpx.Client(base_url=street.url) as client:
        client.post("/api/v1/session", json={"user": "owner", "password": PASSWORD})
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    url = street.url.replace("http", "ws") + "/api/v1/live"
    with connect(url, additional_headers={"Cookie": cookie}, proxy=None) as stream:
        assert json.loads(stream.recv(timeout=5))["type"] == "now"
        time.sleep(0.6)
        stream.ping().wait(2)
        assert stream.close_code is None


def test_answers_on_a_kept_connection_do_not_wait_for_acknowledgements(street: Street) -> None:
    # Linux delays acknowledgements by 40 ms: an answer in two packets would take as long.
    with httpx.Client(base_url=street.url) as client:
        took_s = []
        for _ in range(10):
            begun_s = time.perf_counter()
            client.get("/.well-known/hidamari")
            took_s.append(time.perf_counter() - begun_s)
    assert min(took_s) < 0.03
