"""Chance that depends only on a seed and on what it is asked for, so that one seed is one house.

SplitMix64 (Steele, Lea, Flood 2014) over the keys: integers only, the same on every machine, and
any moment can be looked up without those before it.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB


def chance(seed: int, *keys: int) -> float:
    """A number in [0, 1) for these keys."""
    state = seed & _MASK
    for key in keys:
        state = _mix((state ^ (key & _MASK)) + _GAMMA & _MASK)
    return _mix(state + _GAMMA & _MASK) / 2.0**64


def chances(seed: int, keys: IntArray, *more: int) -> FloatArray:
    """The same for many first keys at once: shape of `keys`, equal to `chance(seed, k, *more)`."""
    state = _mix_many((np.uint64(seed & _MASK) ^ keys.astype(np.uint64)) + np.uint64(_GAMMA))
    for key in more:
        state = _mix_many((state ^ np.uint64(key & _MASK)) + np.uint64(_GAMMA))
    return _mix_many(state + np.uint64(_GAMMA)) / 2.0**64


def bell(seed: int, *keys: int) -> float:
    """About normal, mean 0, deviation 1, within +-3.5: the sum of twelve chances less six."""
    return sum(chance(seed, *keys, i) for i in range(12)) - 6.0


def _mix(state: int) -> int:
    state = (state ^ state >> 30) * _MIX_1 & _MASK
    state = (state ^ state >> 27) * _MIX_2 & _MASK
    return state ^ state >> 31


def _mix_many(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = (state ^ state >> np.uint64(30)) * np.uint64(_MIX_1)
    state = (state ^ state >> np.uint64(27)) * np.uint64(_MIX_2)
    return state ^ state >> np.uint64(31)
