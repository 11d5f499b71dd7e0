"""The file that holds who this home is to the service; it is in no backup."""

import logging
import os
from contextlib import suppress
from pathlib import Path

from hidamari.core.errors import InputError, StoreDamaged
from hidamari.link.identity import Identity
from hidamari.store.files import load_file, save_file

logger = logging.getLogger(__name__)

FILE = "device_key"
VERSION = 1


def own_identity(folder: Path) -> Identity:
    """The identity of this data folder, made at its first start.

    Raises OSError where the file is there and cannot be read: it may be whole, and a home that
    took another identity would be a stranger to its owner.
    """
    path = folder / FILE
    with suppress(FileNotFoundError):
        _close_to_others(path)
    try:
        loaded = load_file(path)
        if loaded is not None:
            return Identity.from_bytes(loaded.content)
    except (StoreDamaged, InputError) as error:
        logger.error("this home is a new one to the service: %s", error)
    identity = Identity.new()
    save_identity(folder, identity)
    return identity


def _close_to_others(path: Path) -> None:
    """See that the file can be read, by this user alone."""
    with path.open("rb") as file:
        file.read(1)
        if os.fstat(file.fileno()).st_mode & 0o077:
            logger.warning("others could read %s: it is closed to them now", path.name)
            os.fchmod(file.fileno(), 0o600)


def save_identity(folder: Path, identity: Identity) -> None:
    """Keep who we are."""
    save_file(folder / FILE, identity.to_bytes(), VERSION)
