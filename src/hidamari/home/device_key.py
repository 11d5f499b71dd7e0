"""The file that holds who this home is to the service; it is in no backup."""

import logging
from pathlib import Path

from hidamari.core.errors import InputError, StoreDamaged
from hidamari.link.identity import Identity
from hidamari.store.files import load_file, save_file

logger = logging.getLogger(__name__)

FILE = "device_key"
VERSION = 1


def own_identity(folder: Path) -> Identity:
    """The identity of this data folder, made at its first start."""
    path = folder / FILE
    try:
        loaded = load_file(path)
        if loaded is not None:
            return Identity.from_bytes(loaded.content)
    except (StoreDamaged, InputError) as error:
        logger.error("this home is a new one to the service: %s", error)
    identity = Identity.new()
    save_identity(folder, identity)
    return identity


def save_identity(folder: Path, identity: Identity) -> None:
    """Keep who we are."""
    save_file(folder / FILE, identity.to_bytes(), VERSION)
