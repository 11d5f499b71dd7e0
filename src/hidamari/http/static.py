"""Serves the built web app."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from hidamari.http.answers import takes_gzip
from hidamari.http.errors import ApiError
from hidamari.http.web_files import WebFile, WebFiles


class WebApp:
    """The files of the web app as answers."""

    def __init__(self, folder: Path | None) -> None:
        self._files = WebFiles(folder)

    def answer(self, request: Request) -> Response:
        """The file of the path, or the one page that holds all screens; raises 404."""
        found = self._files.find(request.url.path)
        if found is None:
            raise ApiError(404, "there is no such page")
        return _response(request, found)


def _response(request: Request, file: WebFile) -> Response:
    packed = takes_gzip(request)
    headers = file.headers(packed=packed)
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.content(packed=packed), headers=headers)
