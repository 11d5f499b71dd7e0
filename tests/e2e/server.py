"""Serves the built web app with the answers of the invented home, in any state a test asks for."""

import asyncio
import threading
from pathlib import Path
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from tests.e2e import answers, modes, things, whatif
from tests.e2e.answers import State

WEB = Path(__file__).parents[2] / "src/hidamari/web"
# The strictest policy the home sends: whatever passes here passes there.
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
HELD_S = 30
UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]


class FixtureHome:
    """`with FixtureHome() as home:` then set `home.state` before a page is loaded."""

    def __init__(self) -> None:
        self.state: State = "full"
        self.signed_in = True
        self.first_time = False
        self.must_change = False
        self.turn = 0
        self.beat_s = 0.0
        self.plans = True
        self.without: frozenset[str] = frozenset()
        self.pv_since = "2024-04-01"
        self.has_spare = False
        self.network: dict[str, Any] = {"live_s": 10, "probe": []}
        self.priced: int | None = None  # half-hours of today with a market price; None = other plan
        self.sent: list[tuple[str, str, Any]] = []
        app = Starlette(
            routes=[
                Route("/.well-known/hidamari", self._well_known),
                WebSocketRoute("/api/v1/live", self._live),
                Route("/api/v1/{path:path}", self._api, methods=["GET"]),
                Route(
                    "/api/v1/{path:path}", self._write, methods=["POST", "PUT", "PATCH", "DELETE"]
                ),
                Route("/{path:path}", self._file),
            ]
        )
        config = uvicorn.Config(
            app, port=0, log_level="critical", lifespan="off", ws="websockets-sansio"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.02)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)

    def release(self) -> None:
        """Let go of answers that are held back, and end live connections of earlier pages."""
        self.turn += 1

    def _now(self) -> dict[str, Any]:
        found = answers.now(self.state)
        return found | {"has": {k: v and k not in self.without for k, v in found["has"].items()}}

    async def _file(self, request: Request) -> Response:
        path = WEB / request.path_params["path"]
        headers = {"Content-Security-Policy": POLICY}
        if not path.is_file():
            path = WEB / "index.html"
        return FileResponse(path, headers=headers)

    async def _well_known(self, _: Request) -> Response:
        return JSONResponse(answers.well_known(self.state) | {"setup_needed": self.first_time})

    async def _live(self, socket: WebSocket) -> None:
        if self.state in ("loading", "offline", "error") or not self.signed_in:
            await socket.close()
            return
        await socket.accept()
        await socket.send_json({"type": "now", "now": self._now()})
        turn, passed_s = self.turn, 0.0
        try:
            while self.state != "offline" and self.turn == turn:
                await asyncio.sleep(0.1)
                passed_s += 0.1
                if self.beat_s and passed_s >= self.beat_s:
                    passed_s = 0.0
                    await socket.send_json({"type": "now", "now": self._now()})
            await socket.close()
        except WebSocketDisconnect:
            return

    def _session(self) -> Response:
        if not self.signed_in:
            return problem(401, "unauthorized")
        return JSONResponse(
            {
                "user": "owner",
                "role": "owner",
                "must_change_password": self.must_change,
                "expires_at": "2027-01-01T00:00:00Z",
            }
        )

    async def _api(self, request: Request) -> Response:
        path = request.path_params["path"]
        if path == "session" and self.state != "offline":
            return self._session()
        match self.state:
            case "offline":
                return Response(status_code=503)
            case "error":
                return problem(500, "internal")
            case "loading":
                turn = self.turn
                for _ in range(HELD_S * 20):
                    if self.turn != turn:
                        break
                    await asyncio.sleep(0.05)
        found = await asyncio.to_thread(self._answer, path, dict(request.query_params))
        return problem(404, "not_found") if found is None else JSONResponse(found)

    def _circuits(self, every: bool) -> list[dict[str, Any]]:
        found = things.circuits(self.state)
        return [*found, things.hidden_circuit()] if every and found else found

    def _tariff(self) -> Any:
        return (
            things.tariff(self.state) if self.priced is None else things.market_tariff(self.priced)
        )

    def _market_prices(self, table: str) -> Response:
        if "yen_kwh" not in table:
            return problem(422, "validation", "columns start and yen_kwh expected")
        self.priced = 48
        first, last = "2026-11-19T15:00:00Z", "2026-11-20T14:30:00Z"
        return JSONResponse({"area": "tokyo", "half_hours": 48, "first": first, "last": last})

    def _answer(self, path: str, query: dict[str, str]) -> Any:
        state = self.state
        simple = {
            "now": self._now,
            "history": lambda: answers.history(state, query),
            "cost": lambda: answers.cost(state, query),
            "meter": lambda: answers.meter(state),
            "devices": lambda: things.devices(state) + [things.spare()] * self.has_spare,
            "circuits": lambda: self._circuits("hidden" in query),
            "sources": things.sources,
            "tariff": self._tariff,
            "tariff/plans": things.plans,
            "settings": lambda: things.settings(self.pv_since) | {"network": self.network},
            "diagnostics": things.diagnostics,
            "cloud": things.cloud,
            "setup": lambda: things.setup(state),
            "events": lambda: things.events(state, query),
            "whatif": lambda: whatif.answer(state),
        }
        if path in simple:
            return simple[path]()
        if path.startswith("devices/"):
            return things.device(state, path.split("/")[1])
        if path.startswith("meter/peaks/"):
            return answers.peak(state, path.split("/")[2])
        if self.plans and path.startswith(("plan", "modes")):
            return modes.answer(state, path, query)
        return None

    def _keep(self, path: str, body: Any) -> None:
        match path:
            case "setup/password":
                self.first_time = False
            case "password":
                self.must_change = False
            case "settings" if "network" in body:
                self.network |= body["network"]

    async def _write(self, request: Request) -> Response:
        path = request.path_params["path"]
        if path == "tariff/market-prices":
            return self._market_prices((await request.body()).decode())
        body = await request.json() if await request.body() else None
        self.sent.append((request.method, path, body))
        if self.state == "error":
            return problem(500, "internal")
        self._keep(path, body)
        if path == "session" and request.method == "POST":
            if body["password"] != "correct horse":
                return problem(401, "wrong_password")
            self.signed_in = True
            return self._session()
        if path == "session":
            self.signed_in = False
        if path == "devices/search":
            return JSONResponse({"running": False, "found": 9})
        if path == "whatif":
            return JSONResponse(whatif.asked(body))
        if found := modes.written(path, body):
            return JSONResponse(found)
        return Response(status_code=204)


def problem(status: int, code: str, message: str = "") -> JSONResponse:
    """An error as the API words it."""
    error = {"code": code, "message": message or code, "expected": None}
    return JSONResponse({"error": error}, status)
