"""Which series there are: each has a small number for ever, its place in every packed row."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from hidamari.core.errors import InputError, StoreDamaged, StoreError
from hidamari.core.reading import Kind, Quality, Series, SeriesKey, SlotValue
from hidamari.core.time import unix
from hidamari.store.pack import (
    LARGEST,
    MISSING,
    FloatArray,
    IntArray,
    RowArray,
    UInt8Array,
    empty_slots,
)

Columns = NDArray[np.intp]

WH = 0.001  # a total of power is whole Wh, its peak whole W


class Catalog:
    """All series in the order of their numbers; grows, never shrinks."""

    def __init__(self, series: Sequence[Series] = ()) -> None:
        self._all: tuple[Series, ...] = ()
        self._column: dict[SeriesKey, int] = {}
        self._extend(series)

    @classmethod
    def load(cls, connection: sqlite3.Connection) -> "Catalog":
        """The series known to this store; raises StoreDamaged when their numbers have gaps."""
        query = "select id, device, name, unit, scale, kind from series order by id"
        rows = connection.execute(query).fetchall()
        try:
            known = [Series(d, n, unit, float(scale), Kind(k)) for _, d, n, unit, scale, k in rows]
        except (TypeError, ValueError) as error:
            raise StoreDamaged(f"the list of series is damaged: {error}") from error
        if [row[0] for row in rows] != list(range(1, len(rows) + 1)):
            raise StoreDamaged("the list of series is damaged: numbers are missing")
        return cls(known)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def kinds(self) -> list[Kind]:
        """The kind of each series, by column."""
        return [series.kind for series in self._all]

    def all(self) -> tuple[Series, ...]:
        """Every series in the order of the numbers."""
        return self._all

    def by_key(self) -> dict[SeriesKey, Series]:
        """Every series by its key."""
        return {series.key: series for series in self._all}

    def new_among(self, series: Iterable[Series]) -> list[Series]:
        """Those not yet known; raises StoreError when a known one differs."""
        new: dict[SeriesKey, Series] = {}
        for wanted in series:
            column = self._column.get(wanted.key)
            known = self._all[column] if column is not None else new.get(wanted.key)
            if known is None:
                new[wanted.key] = wanted
            elif known != wanted:
                raise StoreError(
                    f"series {wanted.device}.{wanted.name}: stored as {known.unit} x {known.scale} "
                    f"({known.kind}), now {wanted.unit} x {wanted.scale} ({wanted.kind})"
                )
        return list(new.values())

    def add(self, connection: sqlite3.Connection, new: Sequence[Series], at: datetime) -> None:
        """Write new series, in a transaction of the caller."""
        rows = [
            (len(self) + i, s.device, s.name, s.unit, s.scale, str(s.kind), unix(at))
            for i, s in enumerate(new, 1)
        ]
        connection.executemany("insert into series values(?, ?, ?, ?, ?, ?, ?)", rows)

    def added(self, new: Sequence[Series]) -> "Catalog":
        """This catalog with more series at its end."""
        return Catalog((*self._all, *new))

    def columns(self, keys: Iterable[SeriesKey]) -> Columns:
        """The places of these series in a packed row; raises InputError for an unknown one."""
        try:
            return np.array([self._column[key] for key in keys], np.intp)
        except KeyError as error:
            device, name = error.args[0]
            raise InputError(f"a known series expected, got {device}.{name}") from None

    def scales(self, columns: Columns) -> FloatArray:
        """What one step of a stored minute is worth."""
        return self._scales[columns]

    def slot_scales(self, columns: Columns) -> FloatArray:
        """What one step of a stored half-hour is worth."""
        return self._slot_scales[columns]

    def total_scales(self, columns: Columns) -> FloatArray:
        """What one step of a stored total or peak is worth: 1 Wh and 1 W for power."""
        series = [self._all[c] for c in columns]
        return np.array([WH if s.kind is Kind.POWER else s.scale for s in series], np.float64)

    def minute_row(self, values: Mapping[SeriesKey, float | None]) -> IntArray:
        """One minute as integers by column; what is no finite number is missing."""
        row = [MISSING] * len(self)
        for column, value in zip(self.columns(values).tolist(), values.values(), strict=True):
            row[column] = _steps(value, self._all[column].scale)
        return np.array(row, np.int32)

    def slot_row(self, values: Mapping[SeriesKey, SlotValue]) -> RowArray:
        """One half-hour as records by column; shape (1, series)."""
        row = empty_slots(1, len(self))
        for column, (key, slot) in zip(self.columns(values), values.items(), strict=True):
            steps = _steps(slot.value, _slot_scale(self._all[self._column[key]]))
            if steps != MISSING and slot.quality is not Quality.MISSING:
                row[0, column] = (steps, slot.quality)
        return row

    def slot_array(self, columns: Columns, values: FloatArray, quality: UInt8Array) -> RowArray:
        """Half-hours as records, values (n, len(columns)) in units; shape (n, series)."""
        rows = empty_slots(values.shape[0], len(self))
        steps = _whole_steps(values, self.slot_scales(columns))
        good = (np.abs(steps) <= LARGEST) & (quality > Quality.MISSING)
        rows["value"][:, columns] = np.where(good, steps, MISSING)
        rows["quality"][:, columns] = np.where(good, quality, Quality.MISSING)
        return rows

    def minute_array(self, columns: Columns, values: FloatArray) -> IntArray:
        """Minutes as integers, values (n, len(columns)) in units; shape (n, series)."""
        rows = np.full((values.shape[0], len(self)), MISSING, np.int32)
        steps = _whole_steps(values, self.scales(columns))
        rows[:, columns] = np.where(np.abs(steps) <= LARGEST, steps, MISSING)
        return rows

    def _extend(self, series: Sequence[Series]) -> None:
        self._all = (*self._all, *series)
        self._column = {s.key: i for i, s in enumerate(self._all)}
        self._scales: FloatArray = np.array([s.scale for s in self._all], np.float64)
        self._slot_scales: FloatArray = np.array([_slot_scale(s) for s in self._all], np.float64)


def _whole_steps(values: FloatArray, scales: FloatArray) -> FloatArray:
    """Values as whole steps of their scales; what is no number or too large is infinite."""
    with np.errstate(over="ignore"):
        steps: FloatArray = np.rint(values / scales)
    steps[np.isnan(steps)] = np.inf
    return steps


def _slot_scale(series: Series) -> float:
    # A half-hour of the smallest step of power is half a step of energy: tenths keep the sums.
    return series.scale / 10 if series.kind is Kind.POWER else series.scale


def _steps(value: float | None, scale: float) -> int:
    if value is None or not abs(steps := value / scale) <= LARGEST:  # nor is what is no number
        return MISSING
    return round(steps)
