"""Watches what SQLite asks of the disk: a VFS of our own in front of the one of the system.

The system's file methods are copied and three of them replaced, so that every write, truncation
and sync passes by here and is noted before it happens. Written with ctypes, so that the power-cut
test needs no compiler; it works on the very library that the module sqlite3 uses.
"""

import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_void_p, cast
from pathlib import Path

# What is told of each request; a number other than 0 lets it fail with that SQLite code.
Note = Callable[..., int | None]

# https://www.sqlite.org/c3ref/io_methods.html: an int, then pointers in this order.
_BEFORE = ["xClose", "xRead", "xWrite", "xTruncate", "xSync", "xFileSize", "xLock", "xUnlock"]
_AFTER = 10  # locks, control, shared memory, mapping: passed on as they are
_WRITE = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = ctypes.CFUNCTYPE(c_int, c_void_p, c_int)
# The name is passed on as it came: the real VFS keeps the pointer and reads behind its end.
_OPEN = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
_DELETE = ctypes.CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)


class _Methods(ctypes.Structure):
    _fields_ = [
        ("iVersion", c_int),
        *((name, c_void_p) for name in _BEFORE),
        ("after", c_void_p * _AFTER),
    ]


class _File(ctypes.Structure):
    _fields_ = [("pMethods", POINTER(_Methods))]


# https://www.sqlite.org/c3ref/vfs.html
class _Vfs(ctypes.Structure):
    _fields_ = [
        *((name, c_int) for name in ("iVersion", "szOsFile", "mxPathname")),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        *((name, c_void_p) for name in ("xOpen", "xDelete")),
        ("rest", c_void_p * 14),
    ]


def _library() -> ctypes.CDLL:
    """The SQLite that this Python uses: a shared library, or part of the program itself."""
    sqlite3.connect(":memory:").close()
    loaded = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()]
    for path in sorted({path for path in loaded if "sqlite3" in Path(path).name} | {""}):
        library = ctypes.CDLL(path or None)
        if hasattr(library, "sqlite3_vfs_find"):
            library.sqlite3_vfs_find.restype = POINTER(_Vfs)
            return library
    raise RuntimeError("this Python hides its SQLite: use one linked against libsqlite3 (Debian's)")


_installed: list["RecordingVfs"] = []  # for ever: a connection left open still points here


class RecordingVfs:
    """Notes (kind, path, ...) for every write, truncate, sync and delete while installed."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._library = _library()
        self._real = self._library.sqlite3_vfs_find(None)
        self._paths: dict[int, str] = {}
        self._kept: list[object] = []  # what C points to must not be collected
        self._tables: dict[int, _Methods] = {}
        self._vfs = _Vfs.from_buffer_copy(self._real.contents)
        self._vfs.zName = b"recording"
        self._vfs.pNext = None
        self._vfs.xOpen = self._pointer(_OPEN(self._open))
        self._vfs.xDelete = self._pointer(_DELETE(self._delete))

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Every database opened meanwhile is watched."""
        _installed.append(self)
        self._library.sqlite3_vfs_register(byref(self._vfs), 1)
        try:
            yield
        finally:
            self._library.sqlite3_vfs_unregister(byref(self._vfs))
            self._library.sqlite3_vfs_register(self._real, 1)

    def _pointer(self, function: "ctypes._CFuncPtr") -> int | None:
        self._kept.append(function)
        return cast(function, c_void_p).value

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out: object) -> int:
        status: int = _OPEN(self._real.contents.xOpen)(
            ctypes.addressof(self._real.contents), name, file, flags, out
        )
        opened = _File.from_address(file)
        if status == 0 and name and opened.pMethods:
            self._paths[file] = Path(ctypes.string_at(name).decode()).name
            opened.pMethods = ctypes.pointer(self._watched(opened.pMethods))
        return status

    def _delete(self, _vfs: int, name: bytes, sync: int) -> int:
        self._note("delete", Path(name.decode()).name)
        status: int = _DELETE(self._real.contents.xDelete)(
            ctypes.addressof(self._real.contents), name, sync
        )
        return status

    def _watched(self, methods: "ctypes._Pointer[_Methods]") -> _Methods:
        address = ctypes.addressof(methods.contents)
        if address in self._tables:
            return self._tables[address]
        table = _Methods.from_buffer_copy(methods.contents)
        write, cut = _WRITE(table.xWrite), _TRUNCATE(table.xTruncate)
        sync = _SYNC(table.xSync)

        def on_write(file: int, data: int, count: int, offset: int) -> int:
            content = ctypes.string_at(data, count)
            refused = self._note("write", self._paths[file], offset, content)
            status: int = refused or write(file, data, count, offset)
            return status

        def on_truncate(file: int, size: int) -> int:
            self._note("truncate", self._paths[file], size)
            status: int = cut(file, size)
            return status

        def on_sync(file: int, flags: int) -> int:
            status: int = sync(file, flags)
            return self._note("sync", self._paths[file]) or status

        table.xWrite = self._pointer(_WRITE(on_write))
        table.xTruncate = self._pointer(_TRUNCATE(on_truncate))
        table.xSync = self._pointer(_SYNC(on_sync))
        self._tables[address] = table
        return table
