"""The tables of what homes sent, keyed by home first.

`z` is the record as it came; the other columns are what it is found by. `d` of a segment is the
UTC day of its first minute, `d` of days and totals the local date, both as days since 1970-01-01.
`done` of hwm are the sequence numbers that are committed or refused (see `spans`).
"""

SQLITE = """
create table if not exists generation(home blob, epoch int, since int, primary key(home, epoch))
    strict, without rowid;
create table if not exists hwm(home blob, epoch int, stream int, done blob,
    primary key(home, epoch, stream)) strict, without rowid;
create table if not exists seg(home blob, epoch int, seq int, d int, t0 int, n int, z blob,
    primary key(home, epoch, seq, d)) strict;
create index if not exists seg_time on seg(home, d);
create table if not exists event(home blob, epoch int, seq int, t int, z blob,
    primary key(home, epoch, seq)) strict;
create index if not exists event_time on event(home, t);
create table if not exists reported(home blob, epoch int, seq int, z blob,
    primary key(home, epoch)) strict;
create table if not exists day(home blob, epoch int, d int, rev int, sha blob, z blob,
    primary key(home, d, epoch, rev)) strict;
create table if not exists total(home blob, epoch int, d int, seq int, z blob,
    primary key(home, d, epoch)) strict;
"""
