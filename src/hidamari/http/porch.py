"""Hands out the web app while the home behind it is still being loaded.

Loading the code is most of a start, and the files of the page need none of it. So a thread serves
them from the first moment; whoever asks for anything else waits, unread, for the real server,
which takes over the open connections. What is unusual in any way waits as well: the rules of the
LAN are the guard's, and only what it would let pass for certain is answered here.
"""

import selectors
import socket
import threading
from contextlib import suppress

from hidamari.http.doors import is_near, is_own_host, parse_address, split_host
from hidamari.http.headers import HEADERS
from hidamari.http.listening import Listening
from hidamari.http.web_files import WebFile, WebFiles

MOST = 64  # connections; the others wait in the queue of the port
HEAD_BYTES = 16 * 1024
SEND_S = 1.0
END = b"\r\n\r\n"
OWN_PAGE = frozenset({"none", "same-origin"})
UNUSUAL = frozenset({"origin", "content-length", "transfer-encoding", "upgrade"})


class Porch:
    """In front of a door that is open already; `names` are the host names of this home."""

    def __init__(self, listening: Listening, files: WebFiles, names: frozenset[str]) -> None:
        self.listening = listening
        self._files = files
        self._names = names
        self._bell, self._button = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="porch", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Let the server come: what still waits is left in `listening.waiting`."""
        self._button.close()
        self._thread.join()
        self._bell.close()

    def _run(self) -> None:
        door = self.listening.http
        door.setblocking(False)
        came: set[socket.socket] = set()
        with selectors.DefaultSelector() as ready:
            for one in (self._bell, door):
                ready.register(one, selectors.EVENT_READ)
            while True:
                found = {key.fileobj for key, _ in ready.select()}
                if self._bell in found:
                    break
                for one in came & found:
                    ready.unregister(one)
                    came.remove(one)
                    self._take(one)
                if door in found:
                    with suppress(OSError):  # gone again before it was let in
                        new, _ = door.accept()
                        came.add(new)
                        ready.register(new, selectors.EVENT_READ)
                if door in found and len(came) + len(self.listening.waiting) >= MOST:
                    ready.unregister(door)
        self.listening.waiting.extend(came)

    def _take(self, one: socket.socket) -> None:
        """Answer the request of a connection, or let it wait."""
        one.settimeout(SEND_S)
        with suppress(OSError):  # it left, or does not read
            head = one.recv(HEAD_BYTES, socket.MSG_PEEK)
            answer = self._answer(head, one.getsockname()[0], one.getpeername()[0])
            if answer is None:
                self.listening.waiting.append(one)
                return
            one.recv(len(head))
            one.sendall(answer)
        one.close()

    def _answer(self, head: bytes, own: str, client: str) -> bytes | None:
        path, headers = _read(head)
        address, here = parse_address(client), parse_address(own)
        if address is None or not is_near(address, here):
            return None
        host = split_host(headers.get("host", ""))
        if host is None or not is_own_host(host[0], here, self._names):
            return None
        file = None if path.startswith("/api") else self._files.find(path)
        return None if file is None else _file(file, headers)


def _read(head: bytes) -> tuple[str, dict[str, str]]:
    """Path and headers of a plain request for a page of ours; no headers for all others."""
    first, *lines = head.removesuffix(END).decode("latin-1").split("\r\n")
    words = first.split(" ")
    fields = [line.partition(":") for line in lines]
    headers = {name.lower(): value.strip() for name, _, value in fields}
    is_whole = head.find(END) == len(head) - len(END) and len(headers) == len(lines)
    is_plain = len(words) == 3 and words[0] == "GET" and words[2] == "HTTP/1.1"
    is_ours = headers.get("sec-fetch-site", "none") in OWN_PAGE and not UNUSUAL & headers.keys()
    return (words[1], headers) if is_whole and is_plain and is_ours else ("", {})


def _file(file: WebFile, asked: dict[str, str]) -> bytes:
    """The whole answer."""
    packed = "gzip" in asked.get("accept-encoding", "").replace(" ", "").split(",")
    is_known = asked.get("if-none-match") == file.etag
    body = b"" if is_known else file.content(packed=packed)
    own = {name.decode(): value.decode() for name, value in HEADERS}
    said = {**file.headers(packed=packed), **own, "x-hidamari-via": "lan", "connection": "close"}
    if not is_known:
        said["content-length"] = str(len(body))
    lines = [f"HTTP/1.1 {'304 Not Modified' if is_known else '200 OK'}"]
    lines += [f"{name}: {value}" for name, value in said.items()]
    return "\r\n".join(lines).encode() + END + body
