"""Answers as bytes: JSON made fast, packed where it is worth it."""

import gzip

from pydantic_core import to_json
from starlette.requests import HTTPConnection
from starlette.responses import Response

PACK_FROM_BYTES = 4096


def json_response(content: object) -> Response:
    """A JSON answer; NaN becomes null."""
    body = to_json(content, by_alias=True, inf_nan_mode="null")
    return Response(body, media_type="application/json")


def packed_json(connection: HTTPConnection, content: object) -> Response:
    """A JSON answer, packed by gzip when it is long and the client takes it."""
    return packed(connection, to_json(content, by_alias=True, inf_nan_mode="null"))


def packed(connection: HTTPConnection, body: bytes) -> Response:
    """JSON text as an answer, packed when it is long and the client takes it.

    Only for answers without secrets: packing lets their length tell about their content.
    """
    if len(body) < PACK_FROM_BYTES or not takes_gzip(connection):
        return Response(body, media_type="application/json")
    return Response(
        gzip.compress(body, compresslevel=1, mtime=0),
        media_type="application/json",
        headers={"content-encoding": "gzip", "vary": "accept-encoding"},
    )


def takes_gzip(connection: HTTPConnection) -> bool:
    """Whether the client says that it can unpack gzip."""
    accepted = connection.headers.get("accept-encoding", "")
    return any(part.strip().split(";")[0] == "gzip" for part in accepted.split(","))
