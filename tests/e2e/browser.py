"""A real Chromium, driven over its own debugging protocol with nothing in between."""

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

from websockets.sync.client import ClientConnection, connect

Json = dict[str, Any]
T = TypeVar("T")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-back-forward-cache",  # pages of before cost memory and a process each
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)


class PageError(AssertionError):
    """A script threw in the page, or what was waited for did not come."""


class Browser:
    """One browser with one page; `with Browser() as page:` ends it."""

    def __init__(self) -> None:
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            raise FileNotFoundError("chromium is needed (Debian package: chromium)")
        self._folder = Path(tempfile.mkdtemp(prefix="hidamari-browser-"))
        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self._folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack = ExitStack()
        self._stack.callback(self._end)
        self._socket = self._attach()
        self._ids = itertools.count(1)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        # Processor time of the page's thread: a busy machine does not make a page look busy.
        self.send("Performance.enable", timeDomain="threadTicks")

    def _attach(self) -> ClientConnection:
        port_file = self._folder / "DevToolsActivePort"
        port = wait_for(lambda: _first_word(port_file))
        address = wait_for(lambda: _page_of(f"http://127.0.0.1:{port}/json/list"))
        # While a worker does other tests nobody reads what the page tells meanwhile: no pings, and
        # no waiting for a goodbye that stands behind all that.
        way = connect(address, max_size=None, proxy=None, ping_interval=None, close_timeout=0.5)
        return self._stack.enter_context(way)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser and forget its profile."""
        self._stack.close()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def send(self, method: str, **params: Any) -> Json:
        """One command of the protocol and its answer; events on the way are kept."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            if message.get("id") == number:
                if "error" in message:
                    raise PageError(f"{method}: {message['error']}")
                result: Json = message["result"]
                return result
            self._note(message)

    def _note(self, event: Json) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(params["url"])
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                text = details.get("exception", {}).get("description") or details["text"]
                self.complaints.append(text)
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                entry = params["entry"]
                self.complaints.append(f"{entry['text']} {entry.get('url', '')}")

    def look(self, width: int, height: int, theme: str = "light", calm: bool = True) -> None:
        """Size of the window, light or dark, and whether the user wants no motion."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.send(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": theme},
                {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"},
            ],
        )

    def open(self, url: str) -> None:
        """Load a page and wait until its document is there."""
        self.send("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page (promises are awaited)."""
        answer = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def wait(self, condition: str, timeout_s: float = 15) -> None:
        """Until the expression is true in the page."""

        def met() -> bool | None:
            try:
                return self.run(f"Boolean({condition})") or None
            except PageError as reason:
                if "context" in str(reason):  # the page is being replaced
                    return None
                raise

        try:
            wait_for(met, timeout_s)
        except TimeoutError:
            text = self.run("document.body.innerText.slice(0, 600)")
            raise PageError(f"not within {timeout_s} s: {condition}\n{text}") from None

    def rest(self, seconds: float) -> None:
        """Let the page go on for a while; what it tells meanwhile is kept."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            try:
                self._note(json.loads(self._socket.recv(timeout=left)))
            except TimeoutError:
                return

    def wait_text(self, text: str, timeout_s: float = 15) -> None:
        """Until the page shows the text."""
        self.wait(f"document.body?.innerText.includes({json.dumps(text)})", timeout_s)

    def click(self, selector: str) -> None:
        """Press what the selector finds, in the middle, with a real mouse."""
        found = json.dumps(selector)
        self.wait(f"document.querySelector({found}) !== null")
        spot = self.run(
            f"(() => {{ const e = document.querySelector({found});"
            " e.scrollIntoView({block: 'center'});"
            " const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent",
                type=kind,
                x=spot[0],
                y=spot[1],
                button="left",
                clickCount=1,
            )

    def click_text(self, text: str, inside: str = "button, a, label, summary") -> None:
        """Press the first visible control that shows the text."""
        mark = (
            f"(() => {{ const e = [...document.querySelectorAll({json.dumps(inside)})]"
            f".find(x => x.innerText.trim().includes({json.dumps(text)}) && x.offsetParent);"
            " if (!e) return false;"
            " document.querySelectorAll('[data-press]').forEach(x => delete x.dataset.press);"
            " e.dataset.press = ''; return true; })()"
        )
        self.wait(mark)
        self.click("[data-press]")

    def type(self, selector: str, text: str) -> None:
        """Fill a field as a keyboard does."""
        self.wait(f"document.querySelector({json.dumps(selector)}) !== null")
        self.run(f"document.querySelector({json.dumps(selector)}).select()")
        self.send("Input.insertText", text=text)

    def key(self, name: str) -> None:
        """One key down and up, by its DOM name (Tab, Enter, ArrowRight, ...)."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}
        codes |= {"ArrowUp": 38, "ArrowDown": 40, "Home": 36, "End": 35, " ": 32}
        text = {"Enter": "\r", " ": " "}.get(name, "")
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=name,
                code=name,
                windowsVirtualKeyCode=codes[name],
                **({"text": text} if text and kind == "keyDown" else {}),
            )

    def picture(self, path: Path, whole: bool = True) -> None:
        """A PNG of the page, to its end or as the window shows it."""
        answer = self.send(
            "Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole)
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _clip(self, whole: bool) -> Json:
        if not whole:
            return {}
        width, height = self.run("[innerWidth, document.documentElement.scrollHeight]")
        return {"clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}}

    def metrics(self) -> dict[str, float]:
        """Chromium's own counters: TaskDuration, LayoutCount, ..."""
        found = self.send("Performance.getMetrics")["metrics"]
        return {m["name"]: m["value"] for m in found}


def _page_of(listing: str) -> str | None:
    """Where the browser's first page can be driven; None while it has none."""
    with urllib.request.urlopen(listing) as answer:
        pages = [p for p in json.load(answer) if p["type"] == "page"]
    return str(pages[0]["webSocketDebuggerUrl"]) if pages else None


def _first_word(file: Path) -> str | None:
    """The first word of a file; None while it is not there, or there and still empty."""
    words = file.read_text().split() if file.exists() else []
    return words[0] if words else None


def wait_for(ask: Callable[[], T | None], timeout_s: float = 15) -> T:
    """The first answer that is not None."""
    end = time.perf_counter() + timeout_s
    while True:
        found = ask()
        if found is not None:
            return found
        if time.perf_counter() > end:
            raise TimeoutError(f"nothing within {timeout_s} s")
        time.sleep(0.03)
