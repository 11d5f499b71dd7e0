"""The invented service: accounts and homes in any state a test asks for, over the invented home."""

import asyncio
import json
import threading
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from tests.e2e.server import FixtureHome, problem

HOME = "abcdefghijklmnopqrstuvwxyz"
OTHER = "bcdefghijklmnopqrstuvwxyza"
SEEN = "2026-11-20T01:31:00Z"
MEMBERS = [
    {"id": 1, "nickname": "ははの電話", "role": "owner", "here": True},
    {"id": 2, "nickname": "たろう", "role": "member", "here": False},
    {"id": 3, "nickname": "Grandma", "role": "viewer", "here": False},
]
AUDIT = [
    {"number": 2, "at": SEEN, "actor": "たろう", "code": "asked", "data": {}},
    {"number": 1, "at": "2026-11-12T08:00:00Z", "actor": "ははの電話", "code": "claimed"},
]
PHONES = [{"id": "p1", "nickname": "ははの電話"}, {"id": "p2", "nickname": "古いタブレット"}]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class FixtureService:
    """`with FixtureService() as service:` then set its fields before a page is loaded."""

    def __init__(self) -> None:
        self.home = FixtureHome()
        self.sent: list[tuple[str, str, Any]] = []
        self.reset()
        app = Starlette(
            routes=[
                Route("/.well-known/hidamari", self._well_known),
                Route("/homes/{home}/.well-known/hidamari", self._home_known),
                Route("/cloud/v1/{path:path}", self._cloud, methods=METHODS),
                WebSocketRoute("/homes/{home}/api/v1/live", self._live),
                Route("/homes/{home}/api/v1/{path:path}", self._relay, methods=METHODS),
                Route("/{path:path}", self.home._file),
            ]
        )
        config = uvicorn.Config(
            app, port=0, log_level="critical", lifespan="off", ws="websockets-sansio"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self.url = ""

    def reset(self) -> None:
        """Back to the usual: signed in, two homes, the first one online."""
        self.signed_in = True
        self.away = False
        self.phone: str | None = "ははの電話"
        self.role = "owner"
        self.fresh = True
        self.homes = 2
        self.refusals: dict[str, tuple[int, str, dict[str, Any]]] = {}
        self.sent.clear()

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

    async def _well_known(self, _: Request) -> Response:
        known = {"product": "hidamari", "kind": "cloud", "name": "Hidamari", "version": "0.1.0"}
        return JSONResponse(known | {"server_time_ms": 0, "revision": 1, "mailbox": True})

    async def _home_known(self, request: Request) -> Response:
        if not self.signed_in:
            return problem(401, "unauthorized")
        if self.phone is None:
            return problem(403, "phone_needed")
        known = await self.home._well_known(request)
        seen = {"linked": not self.away, "last_seen": SEEN, "lan_url": "http://192.0.2.5:8600"}
        body = json.loads(bytes(known.body))
        return JSONResponse(body | {"via": "cloud", **seen})

    def _person(self) -> dict[str, Any]:
        return {
            "mail": "hanako@example.jp",
            "lang": "ja",
            "phone": self.phone,
            "fresh": self.fresh,
            "expires_at": "2027-01-01T00:00:00Z",
        }

    async def _cloud(self, request: Request) -> Response:
        path, method = request.path_params["path"], request.method
        body = await request.json() if await request.body() else None
        if method != "GET":
            self.sent.append((method, path, body))
        if refusal := self.refusals.get(f"{method} {path}"):
            status, code, more = refusal
            return JSONResponse({"error": {"code": code, "message": code, **more}}, status)
        if method == "POST" and path in ("session", "account", "session/fresh"):
            self.signed_in = self.fresh = True
            return JSONResponse(self._person())
        if path in ("sign-up", "password/forgotten", "mail/again"):
            return Response(status_code=202)
        if not self.signed_in:
            return problem(401, "unauthorized")
        if method == "POST" and path == "homes/claim":
            return JSONResponse(self._homes()[0], 201)
        if method != "GET":
            return Response(status_code=204)
        return self._told(path)

    def _told(self, path: str) -> Response:
        simple: dict[str, Any] = {
            "session": self._person,
            "homes": lambda: self._homes()[: self.homes],
            "phones": lambda: [
                {**one, "created_at": SEEN, "seen_at": SEEN, "here": one["id"] == "p1"}
                for one in PHONES
            ],
            "sessions": lambda: [
                {
                    "id": one["id"],
                    "label": "Chrome",
                    "phone": one["nickname"],
                    "seen_at": SEEN,
                    "here": one["id"] == "p1",
                }
                for one in PHONES
            ],
        }
        if path in simple:
            return JSONResponse(simple[path]())
        if path.endswith("/members"):
            roles = [self.role, *(one["role"] for one in MEMBERS[1:])]
            mine = [one | {"role": role} for one, role in zip(MEMBERS, roles, strict=True)]
            return JSONResponse([one | {"mail": "m@example.jp", "since": SEEN} for one in mine])
        if path.endswith("/audit"):
            return JSONResponse(AUDIT)
        return problem(404, "not_found")

    def _homes(self) -> list[dict[str, Any]]:
        shape = {"since": SEEN, "last_seen": SEEN}
        return [
            {"home": HOME, "role": self.role, "nickname": "ははの電話", "linked": not self.away}
            | shape,
            {"home": OTHER, "role": "viewer", "nickname": "実家の見守り", "linked": False} | shape,
        ]

    async def _live(self, socket: WebSocket) -> None:
        """Tell what the home tells, and when it goes away and comes back; one stream for all."""
        await socket.accept()
        turn, told = self.home.turn, None
        try:
            while self.home.turn == turn:
                if told is not self.away:
                    told = self.away
                    now = {"type": "now", "now": self.home._now()}
                    await socket.send_json({"type": "away", "last_seen": SEEN} if told else now)
                await asyncio.sleep(0.1)
            await socket.close()
        except WebSocketDisconnect:
            return

    async def _relay(self, request: Request) -> Response:
        path = request.path_params["path"]
        if self.away and path.split("/")[0] not in ("session", "now", "history", "series"):
            error = {"code": "home_offline", "message": "", "expected": "", "last_seen": SEEN}
            return JSONResponse({"error": error}, 503, {"X-Hidamari-Via": "cloud"})
        if request.method != "GET":
            return await self.home._write(request)
        answer = await self.home._api(request)
        answer.headers["X-Hidamari-Via"] = "cloud-store" if self.away else "cloud"
        return answer
