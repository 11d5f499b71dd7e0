"""Looks at the start and once a day whether every line of the audit is as it was written."""

import asyncio
import logging

from sqlalchemy import select

from hidamari.cloud import audit
from hidamari.cloud.service import DAY_MS, Service, home_lock
from hidamari.cloud.tables import audit as lines
from hidamari.cloud.tables import audit_ends
from hidamari.core.errors import StoreError
from hidamari.link.device import home_text

logger = logging.getLogger(__name__)

EVERY_S = DAY_MS / 1000


async def run(service: Service) -> None:
    """Look once a day, for ever, and tell the operator of each home whose lines are not whole."""
    while True:
        try:
            for home, line in (await look(service)).items():
                logger.error(
                    "alarm: the audit of home %s was changed by somebody else than this service:"
                    " line %d is not as it was written, or is missing",
                    home,
                    line,
                )
        except StoreError as error:
            logger.warning("the audit waits another day to be looked at: %s", error)
        await asyncio.sleep(EVERY_S)


async def look(service: Service) -> dict[str, int]:
    """The homes whose lines were tampered with, and from which line on."""
    everybody = select(lines.c.home).union(select(audit_ends.c.home))
    async with service.database.reading() as connection:
        homes = (await connection.scalars(everybody)).all()
    found = {}
    for home in homes:
        async with service.database.reading() as connection:
            wrong = await audit.first_wrong(connection, home)
        if wrong is not None:  # a line may have been added meanwhile: nobody does so now
            async with service.database.writing(home_lock(home)) as connection:
                wrong = await audit.first_wrong(connection, home)
        if wrong is not None:
            found[home_text(home)] = wrong
    return found
