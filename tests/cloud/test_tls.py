"""The service with a certificate of its own, as the command line starts it."""

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from hidamari.api.certificate import door_key
from hidamari.core.clock import RealClock
from hidamari.link import messages
from hidamari.link.messages import Nonce

HIDAMARI = str(Path(sys.executable).parent / "hidamari")


@contextmanager
def started(folder: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """`hidamari cloud` with a mailbox, ended at the end."""
    command = [HIDAMARI, "cloud", "--json", "--mailbox", "--port", "0", "--data", str(folder / "d")]
    process = subprocess.Popen(
        [*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_service_ends_tls_itself_with_the_certificate_it_is_given(tmp_path: Path) -> None:
    key = door_key(tmp_path, ["127.0.0.1"], RealClock().now()).path
    trusting = ssl.create_default_context(cafile=str(key))

    async def challenge(url: str) -> messages.Down | None:
        async with connect(url, ssl=trusting, proxy=None, compression=None) as socket:
            return messages.decode_down(await socket.recv(decode=False))

    with started(tmp_path, "--cert", str(key), "--key", str(key)) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert url.startswith("https://127.0.0.1:")
        with httpx.Client(verify=trusting, base_url=url, trust_env=False, timeout=30) as browser:
            assert browser.get("/.well-known/hidamari").json()["kind"] == "cloud"
            own = {"Origin": url}
            asked = browser.post(
                "/cloud/v1/sign-up", json={"mail": "hanako@example.jp"}, headers=own
            )
            assert asked.status_code == 202
            plain = {"Origin": url.replace("https", "http")}
            assert browser.get("/cloud/v1/session", headers=plain).status_code == 403
            wrong = {"mail": "hanako@example.jp", "password": "falsch falsch"}
            assert browser.post("/cloud/v1/session", json=wrong).status_code == 401
        link = f"wss{url.removeprefix('https')}{messages.PATH}"
        assert isinstance(asyncio.run(challenge(link)), Nonce)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{url}/.well-known/hidamari", trust_env=False)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url.replace('https', 'http')}/.well-known/hidamari", trust_env=False)


def test_a_certificate_without_its_key_is_named_at_the_start(tmp_path: Path) -> None:
    key = door_key(tmp_path, ["127.0.0.1"], RealClock().now()).path
    (tmp_path / "other.pem").write_text("no key")
    with started(tmp_path, "--cert", str(key), "--key", str(tmp_path / "other.pem")) as process:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 2
        assert f"a certificate and its key expected in {key}" in said
