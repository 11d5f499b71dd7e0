"""Errors of the API: one form, the right status, no inside detail."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from hidamari.core.errors import (
    DeviceError,
    HidamariError,
    InputError,
    SettingsError,
    StoreError,
    StoreFull,
)
from hidamari.http.headers import HEADERS
from hidamari.http.passwords import TooManyTries, WeakPassword

CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    410: "gone",
    413: "too_large",
    415: "unsupported_type",
    421: "wrong_host",
    422: "validation",
    424: "device_failed",
    429: "rate_limited",
    431: "headers_too_large",
    500: "internal",
    503: "unavailable",
    507: "storage_full",
}


DAY_OR_INSTANT = "a local date such as 2026-04-01 or an instant such as 2026-04-01T00:00:00Z"
WANTED = {  # by the name of a missing field
    "series": "`series`, names from GET /series separated by commas,",
    "from": f"`from`, {DAY_OR_INSTANT},",
    "to": f"`to`, {DAY_OR_INSTANT},",
}


class ApiError(Exception):
    """An answer other than success: status, code, message and what was expected."""

    def __init__(self, status: int, message: str, expected: str = "", code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code or CODES[status]
        self.message = message
        self.expected = expected
        self.extra: Mapping[str, object] = {}
        self.headers: Mapping[str, str] = {}


def too_many(wait_s: float) -> ApiError:
    """The refusal of who asks too much: when to come again."""
    error = ApiError(429, "too many requests", f"a pause of {wait_s:.1f} s")
    error.headers = {"retry-after": str(int(wait_s) + 1)}
    return error


def error_body(error: ApiError) -> bytes:
    """The JSON text of an error."""
    entry = {"code": error.code, "message": error.message, "expected": error.expected}
    return to_json({"error": {**entry, **error.extra}})


def error_response(error: ApiError) -> Response:
    """The answer for an error."""
    return Response(
        error_body(error),
        status_code=error.status,
        media_type="application/json",
        headers=dict(error.headers),
    )


def install(app: FastAPI) -> None:
    """Give every error of the app the one form."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_bad_request)
    app.add_exception_handler(HidamariError, _on_own_error)
    app.add_exception_handler(Exception, _on_crash)


def _on_api_error(_: Request | WebSocket, error: Exception) -> Response:
    """Whoever called sends the answer, also the refusal of a WebSocket that is not open yet."""
    if not isinstance(error, ApiError):
        raise error
    return error_response(error)


def _on_http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    found = ApiError(
        error.status_code, str(error.detail), code=CODES.get(error.status_code, "bad_request")
    )
    found.headers = dict(error.headers or {})
    return error_response(found)


def _on_bad_request(_: Request, error: Exception) -> Response:
    """Name the first wrong field; the value itself is not repeated (it may be a password)."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return error_response(ApiError(422, f"{place}: {first['msg']}", expected=_expected(first)))


def _expected(problem: Mapping[str, Any]) -> str:
    """What a field should have held, in words; all choices where there are some."""
    where, *names = (str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        name = ".".join(names)
        return WANTED.get(name, f"a value for {name}" if name else "a value") + f" in the {where}"
    choices = problem.get("ctx", {}).get("expected")
    return str(choices or problem["msg"]).removeprefix("Input should be ")


def _on_own_error(_: Request, error: Exception) -> Response:
    return error_response(_as_api_error(error))


def _as_api_error(error: Exception) -> ApiError:
    text = str(error)
    if isinstance(error, TooManyTries):
        found = ApiError(429, text, expected=f"a pause of {error.seconds:.0f} s", code="locked_out")
        found.headers = {"retry-after": str(int(error.seconds) + 1)}
        return found
    if isinstance(error, WeakPassword):
        return ApiError(422, text, code="weak_password")
    if isinstance(error, SettingsError):
        found = ApiError(422, text, expected=error.problems[0].expected)
        found.extra = {"problems": [asdict(problem) for problem in error.problems]}
        return found
    if isinstance(error, InputError):
        return ApiError(422, text)
    if isinstance(error, StoreFull):
        return ApiError(507, text)
    if isinstance(error, DeviceError):
        return ApiError(424, text)
    if isinstance(error, StoreError):
        return ApiError(503, text)
    return ApiError(503, text)


def _on_crash(_: Request, __: Exception) -> Response:
    """No inside detail; the server's log has the error. Runs outside the guard."""
    response = error_response(ApiError(500, "something went wrong inside"))
    for name, value in HEADERS:
        response.headers[name.decode()] = value.decode()
    return response
