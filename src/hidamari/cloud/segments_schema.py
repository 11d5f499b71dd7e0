"""The tables of what homes sent, keyed by home first; rows are only ever added.

`z` is the record as it came; the other columns are what it is found by. `d` of a segment is the
UTC day of its first minute, `d` of days and totals the local date, both as days since 1970-01-01.
`done` of hwm are the sequence numbers that are committed or refused (see `spans`), `tail` is the
digest of the record with the highest of them (see `link.messages.digest_of`). Where several
rows tell the same, the highest `rev` or `seq` counts; `rev` of a day without minutes is below 0
(see `rows.rank_of`).
"""

VERSION = 3  # 1: PostgreSQL told less of a home that comes back; 2: hwm without `tail`

SQLITE = """
create table segment_format(version int) strict;
create table generation(home blob, epoch int, since int, primary key(home, epoch))
    strict, without rowid;
create table hwm(home blob, epoch int, stream int, done blob, tail blob,
    primary key(home, epoch, stream)) strict, without rowid;
create table seg(home blob, epoch int, seq int, d int, t0 int, n int, z blob,
    primary key(home, epoch, seq, d)) strict;
create index seg_time on seg(home, d);
create table event(home blob, epoch int, seq int, t int, z blob, primary key(home, epoch, seq))
    strict;
create index event_time on event(home, t);
create table reported(home blob, epoch int, seq int, z blob, primary key(home, epoch, seq)) strict;
create table day(home blob, epoch int, d int, rev int, sha blob, z blob,
    primary key(home, d, epoch, rev)) strict;
create table total(home blob, epoch int, d int, seq int, z blob, primary key(home, d, epoch, seq))
    strict
"""

# Segments are a bridge until the day itself has come: a table for each UTC day, dropped whole.
# Two roles without a login of their own: the hub may add rows and nothing else, the app may read
# the rows of the one home that its transaction names in app.home.
POSTGRESQL = (
    "create table segment_format(version int)",
    """create table generation(home bytea, epoch bigint, since bigint,
        primary key(home, epoch))""",
    """create table hwm(home bytea, epoch bigint, stream smallint, done int8multirange,
        tail bytea, primary key(home, epoch, stream))""",
    """create table seg(home bytea, epoch bigint, seq bigint, d int, t0 int, n int, z bytea,
        primary key(home, epoch, seq, d)) partition by range(d)""",
    "alter table seg alter column z set storage external",  # it is compressed already
    "create index seg_time on seg(home, d)",
    "create table seg_late partition of seg default",
    """create table event(home bytea, epoch bigint, seq bigint, t bigint, z bytea,
        primary key(home, epoch, seq))""",
    "create index event_time on event(home, t)",
    """create table reported(home bytea, epoch bigint, seq bigint, z bytea,
        primary key(home, epoch, seq))""",
    """create table day(home bytea, epoch bigint, d int, rev bigint, sha bytea, z bytea,
        primary key(home, d, epoch, rev))""",
    "alter table day alter column z set storage external",
    """create table total(home bytea, epoch bigint, d int, seq bigint, z bytea,
        primary key(home, d, epoch, seq))""",
    """create function own_home() returns bytea language sql stable as
        $$ select decode(current_setting('app.home', true), 'hex') $$""",
    """do $$ declare t text; begin
        foreach t in array array['generation', 'hwm', 'seg', 'event', 'reported', 'day', 'total']
        loop
            execute format('alter table %I enable row level security', t);
            execute format('create policy own on %I for select to hidamari_app'
                ' using (home = own_home())', t);
            execute format('grant select on %I to hidamari_app', t);
        end loop;
        foreach t in array array['seg', 'event', 'reported', 'day', 'total'] loop
            execute format('create policy added on %I for insert to hidamari_hub'
                ' with check (true)', t);
            execute format('grant insert on %I to hidamari_hub', t);
        end loop;
    end $$""",
    "grant execute on function own_home to hidamari_app",
)

# What an older format lacks, and what is worked out of the tables: made anew by a release with a
# newer format.
POSTGRESQL_FUNCTIONS = (
    "alter table hwm add column if not exists tail bytea",
    "drop function if exists hub_note(bigint, bytea[], bigint[], smallint[], bigint[])",
    # Which of these records are new (their places in the arrays, from 1 on); all are done now.
    """create or replace function hub_note(at bigint, homes bytea[], epochs bigint[],
        streams smallint[], seqs bigint[], digests bytea[]) returns setof bigint
        language plpgsql security definer set search_path = public, pg_temp as $$
    begin
        insert into generation select distinct k.home, k.epoch, at
            from unnest(homes, epochs) as k(home, epoch) order by 1, 2 on conflict do nothing;
        insert into hwm select distinct k.home, k.epoch, k.stream, '{}'::int8multirange
            from unnest(homes, epochs, streams) as k(home, epoch, stream) order by 1, 2, 3
            on conflict do nothing;
        perform 1 from hwm where (home, epoch, stream) in
            (select * from unnest(homes, epochs, streams)) order by home, epoch, stream for update;
        return query select r.place
            from unnest(homes, epochs, streams, seqs) with ordinality
                as r(home, epoch, stream, seq, place)
            join hwm using (home, epoch, stream) where not hwm.done @> r.seq;
        update hwm set done = bounded(hwm.done + k.added),
            tail = case when k.newest < upper(hwm.done) then hwm.tail else k.tail end from
            (select r.home, r.epoch, r.stream, range_agg(int8range(r.seq, r.seq + 1)) as added,
                max(r.seq) as newest, (array_agg(r.digest order by r.seq desc))[1] as tail
             from unnest(homes, epochs, streams, seqs, digests)
                as r(home, epoch, stream, seq, digest)
             group by 1, 2, 3) as k
            where hwm.home = k.home and hwm.epoch = k.epoch and hwm.stream = k.stream;
    end $$""",
    # The same as spans.joined: no home makes a row grow for ever.
    """create or replace function bounded(done int8multirange) returns int8multirange
        language sql immutable as $$
        select case when (select count(*) from unnest(done)) <= 1000 then done else done +
            int8multirange(int8range(lower(done), (select lower(r) from unnest(done) as r
                order by r desc offset 499 limit 1))) end $$""",
    "drop function if exists hub_committed(bytea, bigint)",  # told less in formats 1 and 2
    """create or replace function hub_committed(of bytea, in_epoch bigint)
        returns table(stream smallint, seq bigint, newest bigint, tail bytea)
        language sql stable security definer set search_path = public, pg_temp as $$
        select stream, coalesce(
            (select upper(r) - 1 from unnest(done) as r where r @> 1::bigint), 0),
            upper(done) - 1, tail
            from hwm where home = of and epoch = in_epoch $$""",
    """create or replace function hub_partition(day int) returns void language plpgsql
        security definer set search_path = public, pg_temp as $$
    begin
        execute format('create table if not exists seg_%s partition of seg'
            ' for values from (%s) to (%s)', day, day, day + 1);
    end $$""",
    # A UTC day lies in two local days of Japan: its own and the next.
    """create or replace function is_sealed(home bytea, epoch bigint, d int) returns bool
        language sql stable as $$
        select count(*) = 2 from (select distinct o.d from day as o
            where o.home = $1 and o.epoch = $2 and o.d in ($3, $3 + 1)) as found $$""",
    # Drops the tables of days before `before`; what no sealed day holds moves to seg_late first.
    """create or replace function tidy(before int) returns void language plpgsql as $$
    declare old record;
    begin
        delete from seg_late as s where s.d < before and is_sealed(s.home, s.epoch, s.d);
        for old in select c.relname as name from pg_inherits as i
            join pg_class as c on c.oid = i.inhrelid
            where i.inhparent = 'seg'::regclass and c.relname ~ '^seg_[0-9]+$'
                and substr(c.relname, 5)::int < before
        loop
            execute format('alter table seg detach partition %I', old.name);
            execute format('insert into seg_late select * from %I as s'
                ' where not is_sealed(s.home, s.epoch, s.d)', old.name);
            execute format('drop table %I', old.name);
        end loop;
    end $$""",
    "revoke execute on function hub_note, hub_committed, hub_partition, tidy from public",
    "grant execute on function hub_note, hub_committed, hub_partition to hidamari_hub",
)
