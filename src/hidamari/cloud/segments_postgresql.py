"""What homes sent in PostgreSQL: one role adds, another reads and sees one home at a time."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

import asyncpg

from hidamari.cloud.faults import faults
from hidamari.cloud.ports import Arrived, Kept, Newest
from hidamari.cloud.reading import Row, bounds_of, kept
from hidamari.cloud.rows import rows_of
from hidamari.cloud.segments_schema import POSTGRESQL, POSTGRESQL_FUNCTIONS, VERSION
from hidamari.core.clock import Clock
from hidamari.core.errors import StoreError
from hidamari.core.time import unix
from hidamari.link.messages import digest_of
from hidamari.link.records import Day, DayTotals, EventRecord, Reported, Segment
from hidamari.store.days import day_number

logger = logging.getLogger(__name__)

SEGMENTS_KEPT = timedelta(days=8)
HUB, APP = "hidamari_hub", "hidamari_app"
_OWNER = ""  # of the tables: who the address names
_WAIT_S = 30.0
_LOCK = 0x68696461  # schema changes go one by one
_ERASE = (
    "delete from seg where home = $1",
    "delete from event where home = $1",
    "delete from reported where home = $1",
    "delete from day where home = $1",
    "delete from total where home = $1",
    "delete from hwm where home = $1",
    "delete from generation where home = $1",
)
_INSERTS = {
    "segments": """insert into seg
        select * from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::int[], $5::int[],
            $6::int[], $7::bytea[]) on conflict do nothing""",
    "events": """insert into event
        select * from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[])
        on conflict do nothing""",
    "reported": """insert into reported
        select * from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bytea[])
        on conflict do nothing""",
    "days": """insert into day
        select * from unnest($1::bytea[], $2::bigint[], $3::int[], $4::bigint[], $5::bytea[],
            $6::bytea[]) on conflict do nothing""",
    "totals": """insert into total
        select * from unnest($1::bytea[], $2::bigint[], $3::int[], $4::bigint[], $5::bytea[])
        on conflict do nothing""",
}


class PostgresqlSegments:
    """The tables of segments on a server; a connection that breaks is made anew."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._pools: dict[str, asyncpg.Pool] = {}
        self._partitions: set[int] = set()

    async def open(self) -> None:
        """Make roles and tables; raises StoreError where the server cannot be used."""
        with faults("opening the store"):
            owner = await asyncpg.connect(self._url, timeout=_WAIT_S)
            try:
                async with owner.transaction():
                    await owner.execute("select pg_advisory_xact_lock($1)", _LOCK)
                    await _make_roles(owner)
                    await _make_tables(owner)
            finally:
                await owner.close()
            for role, most in ((HUB, 2), (APP, 8), (_OWNER, 1)):
                self._pools[role] = await _pool(self._url, role, most)

    async def close(self) -> None:
        """Let go of all connections."""
        for pool in self._pools.values():
            await pool.close()
        self._pools = {}

    async def write(self, batch: Sequence[Arrived]) -> None:
        """Commit records, each once; they are on the server's disk when this returns."""
        first = {(one.home, one.epoch, one.record.stream, one.record.seq): one for one in batch}
        unique = list(first.values())
        await self._make_partitions(unique)
        async with self._as(HUB, "keeping records of homes") as hub, hub.transaction():
            places = await _note(hub, unique, unix(self._clock.now()))
            rows = rows_of(unique[place] for place in places)
            for table, insert in _INSERTS.items():
                if columns := list(zip(*getattr(rows, table), strict=True)):
                    await hub.execute(insert, *columns)

    async def refuse(self, one: Arrived) -> None:
        """Remember that a record was refused for good."""
        async with self._as(HUB, "refusing a record") as hub:
            await _note(hub, [one], unix(self._clock.now()))

    async def committed(self, home: bytes, epoch: int) -> dict[int, int]:
        """By stream the number up to which all is committed or refused."""
        return {row["stream"]: row["seq"] for row in await self._done(home, epoch)}

    async def newest(self, home: bytes, epoch: int) -> dict[int, Newest]:
        """By stream what is committed or refused last."""
        found = await self._done(home, epoch)
        return {row["stream"]: Newest(row["newest"], row["tail"]) for row in found}

    async def reported(self, home: bytes) -> list[Kept[Reported]]:
        """The newest table of series of each epoch, newest epoch last."""
        rows = await self._rows(
            """select epoch, z from reported join generation using(home, epoch) where home = $1
                and (epoch, seq) in
                    (select epoch, max(seq) from reported where home = $1 group by epoch)
                order by since, epoch""",
            home,
        )
        return kept(rows, Reported)

    async def days(self, home: bytes, first: date, last: date) -> list[Kept[Day]]:
        """Sealed days, newest epoch last; see `rows.rank_of` for what is the best of each."""
        rows = await self._rows(
            """select epoch, z from day join generation using(home, epoch) where home = $1
                and (d, epoch, rev) in (select d, epoch, max(rev) from day
                    where home = $1 and d between $2 and $3 group by d, epoch, rev > 0)
                order by since, epoch, d, rev""",
            home,
            day_number(first),
            day_number(last),
        )
        return kept(rows, Day)

    async def segments(self, home: bytes, start_s: int, end_s: int) -> list[Kept[Segment]]:
        """Segments that touch [start_s, end_s), newest epoch last."""
        rows = await self._rows(
            """select epoch, z from seg join generation using(home, epoch) where home = $1
                and d between $2 and $3 and t0 * 60::bigint < $4 and (t0 + n) * 60::bigint > $5
                order by since, epoch, t0, seq""",
            home,
            start_s // 86400 - 1,
            end_s // 86400,
            end_s,
            start_s,
        )
        return kept(rows, Segment)

    async def totals(self, home: bytes, first: date, last: date) -> list[Kept[DayTotals]]:
        """Totals of days, newest epoch last."""
        rows = await self._rows(
            """select epoch, z from total join generation using(home, epoch) where home = $1
                and (d, epoch, seq) in (select d, epoch, max(seq) from total
                    where home = $1 and d between $2 and $3 group by d, epoch)
                order by since, epoch, d""",
            home,
            day_number(first),
            day_number(last),
        )
        return kept(rows, DayTotals)

    async def events(self, home: bytes, before_ms: int | None, limit: int) -> list[EventRecord]:
        """The newest events first."""
        rows = await self._rows(
            """select epoch, z from event where home = $1 and t < $2
                order by t desc, seq desc limit $3""",
            home,
            2**62 if before_ms is None else before_ms,
            limit,
        )
        return [one.record for one in kept(rows, EventRecord)]

    async def bounds(self, home: bytes) -> tuple[datetime, datetime] | None:
        """Oldest and newest instant of which something is stored."""
        async with self._of(home) as app:
            days = await app.fetch(
                """select epoch, z from day where home = $1 and d in
                    (select unnest(array[min(d), max(d)]) from day where home = $1)""",
                home,
            )
            spans = await app.fetch(
                """select min(t0) * 60::bigint, max(t0 + n) * 60::bigint from seg where home = $1
                    union all select min(t) / 1000, max(t) / 1000 from event where home = $1""",
                home,
            )
        return bounds_of(kept(map(tuple, days), Day), map(tuple, spans))

    async def erase(self, home: bytes) -> None:
        """Everything of a home is gone."""
        async with self._as(_OWNER, "erasing a home") as owner, owner.transaction():
            for statement in _ERASE:
                await owner.execute(statement, home)

    async def tidy(self, today: date) -> None:
        """Let go of old segments whose days are sealed."""
        async with self._as(_OWNER, "tidying the store") as owner, owner.transaction():
            await owner.execute("set local lock_timeout = '5s'")  # the next hour is as good
            await owner.execute("select tidy($1)", day_number(today - SEGMENTS_KEPT))

    async def _make_partitions(self, batch: Sequence[Arrived]) -> None:
        """A table for each recent day; older segments go to the one for late ones."""
        oldest = day_number(self._clock.now().date() - SEGMENTS_KEPT)
        wanted = {row.d for row in rows_of(batch).segments if row.d >= oldest} - self._partitions
        for day in sorted(wanted):
            async with self._as(HUB, "making room for a day") as hub:
                await hub.execute("select hub_partition($1)", day)
            self._partitions.add(day)

    async def _done(self, home: bytes, epoch: int) -> list[asyncpg.Record]:
        async with self._as(HUB, "looking up a home") as hub:
            rows: list[asyncpg.Record] = await hub.fetch(
                "select * from hub_committed($1, $2)", home, epoch
            )
        return rows

    async def _rows(self, query: str, home: bytes, *values: int) -> list[Row]:
        async with self._of(home) as app:
            return [tuple(row) for row in await app.fetch(query, home, *values)]

    @asynccontextmanager
    async def _of(self, home: bytes) -> AsyncIterator[asyncpg.Connection]:
        """A transaction that sees the rows of one home."""
        async with self._as(APP, "reading of a home") as app, app.transaction(readonly=True):
            await app.execute("select set_config('app.home', $1, true)", home.hex())
            yield app

    @asynccontextmanager
    async def _as(self, role: str, what: str) -> AsyncIterator[asyncpg.Connection]:
        """A connection in a role."""
        pool = self._pools.get(role)
        if pool is None:
            raise StoreError(f"{what}: the store is closed")
        with faults(what):
            async with pool.acquire(timeout=_WAIT_S) as connection:
                yield connection


async def _pool(url: str, role: str, most: int) -> asyncpg.Pool:
    settings = {"role": role} if role else {}
    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=most,
        timeout=_WAIT_S,
        command_timeout=_WAIT_S,
        server_settings=settings,
    )


async def _note(hub: asyncpg.Connection, batch: Sequence[Arrived], at: int) -> list[int]:
    """Note records as done; the places of those that were not, from 0 on."""
    found = await hub.fetch(
        "select hub_note($1, $2, $3, $4, $5, $6) - 1 as place",
        at,
        [one.home for one in batch],
        [one.epoch for one in batch],
        [one.record.stream for one in batch],
        [one.record.seq for one in batch],
        [digest_of(one.record.payload) for one in batch],
    )
    return sorted(row["place"] for row in found)


async def _make_roles(owner: asyncpg.Connection) -> None:
    """The two roles, where they are missing; the owner may become them."""
    for role, make, grant in (
        (HUB, "create role hidamari_hub", "grant hidamari_hub to current_user"),
        (APP, "create role hidamari_app", "grant hidamari_app to current_user"),
    ):
        if await owner.fetchval("select count(*) from pg_roles where rolname = $1", role) == 0:
            try:
                await owner.execute(make)
            except asyncpg.InsufficientPrivilegeError:
                raise StoreError(
                    f"the role {role} is missing, and this user may not create roles. As an "
                    f'administrator of the server: {make}; grant {role} to "<user>"'
                ) from None
        if not await owner.fetchval("select pg_has_role($1, 'member')", role):
            await owner.execute(grant)


async def _make_tables(owner: asyncpg.Connection) -> None:
    if await owner.fetchval("select to_regclass('segment_format')") is None:
        for statement in POSTGRESQL:
            await owner.execute(statement)
    found = await owner.fetchval("select max(version) from segment_format") or 0
    if found > VERSION:
        raise StoreError(f"this store has format {found}, made by a newer release")
    if found < VERSION:
        for statement in POSTGRESQL_FUNCTIONS:
            await owner.execute(statement)
        await owner.execute("insert into segment_format values($1)", VERSION)
