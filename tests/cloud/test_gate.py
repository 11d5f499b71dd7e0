"""How many come in and how much they may send."""

import random
from collections import Counter
from heapq import heapify, heappop, heappush

import pytest

from hidamari.cloud.gate import Allowance, Gate

DAY_BLOB_BYTES, SEGMENT_BYTES = 40_000, 240  # the most, and the usual


def paced(sizes: list[int]) -> tuple[float, float]:
    """The seconds a home needs that sends whenever it may, and its longest single wait."""
    now_s, longest_s, allowance = 0.0, 0.0, Allowance.full(0.0)
    for size in sizes:
        wait_s = allowance.record(size, now_s)
        now_s, longest_s = now_s + wait_s, max(longest_s, wait_s)
    return now_s, longest_s


@pytest.mark.req("SRV-14")
@pytest.mark.t(9)
def test_thirty_days_of_the_outbox_pass_within_an_hour_without_a_goodbye():
    """30 sealed days and totals, 50 events a day, two days of quarters of an hour."""
    sizes = [DAY_BLOB_BYTES] * 30 + [300] * 30 + [200] * 1500 + [SEGMENT_BYTES] * 192
    total_s, longest_s = paced(sizes)
    assert total_s <= 180  # 1,752 records, 300 at once and 10 a second
    assert longest_s < 1.0


def test_ten_records_a_second_pass_and_eleven_do_not():
    for per_s, is_slowed in ((10, False), (11, True)):
        allowance, waited_s = Allowance.full(0.0), 0.0
        for number in range(per_s * 600):
            waited_s = max(waited_s, allowance.record(500, number / per_s))
        assert (waited_s > 0) is is_slowed


def test_a_mebibyte_a_minute_passes_for_ever():
    allowance = Allowance.full(0.0)
    waits = [allowance.record(2**20 // 6, second) for second in range(0, 36000, 10)]
    assert max(waits) == 0.0


class Client:
    """When a home's client dials, by reliability rule 2.11."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._tries = 0
        self.at_s = rng.uniform(0.0, 120.0)  # the service was lost: the first try is spread

    def __lt__(self, other: "Client") -> bool:
        return self.at_s < other.at_s

    def failed(self, retry_after_s: float | None) -> None:
        """Not let in: the service's own word, else full jitter up to 300 s."""
        self._tries += 1
        most_s = min(300.0, 5.0 * 2**self._tries)
        jitter_s = self._rng.uniform(0.0, most_s)
        self.at_s += max(10.0, jitter_s if retry_after_s is None else retry_after_s)


def come_back(count: int, outage_s: float, seed: int) -> tuple[list[float], Counter[int]]:
    """When each client is in again (from the end of the outage), and connects by second."""
    rng, gate = random.Random(seed), Gate()
    clients = [Client(rng) for _ in range(count)]
    inside: list[float] = []
    connects: Counter[int] = Counter()
    heapify(clients)
    while clients:
        client = heappop(clients)
        if client.at_s < outage_s:
            client.failed(None)
            heappush(clients, client)
            continue
        now_s = client.at_s
        wait_s = gate.connect_wait_s(now_s)
        if wait_s > 0.0:
            client.failed(wait_s + rng.uniform(0.0, 30.0))
            heappush(clients, client)
            continue
        connects[int(now_s)] += 1
        inside.append(now_s - outage_s)
    return inside, connects


@pytest.mark.req("SRV-14")
@pytest.mark.t(9)
@pytest.mark.parametrize("outage_s", [0.0, 60.0, 3600.0])
def test_a_thousand_homes_return_within_five_minutes_and_never_all_at_once(outage_s: float):
    inside, connects = come_back(1000, outage_s, seed=9)
    assert len(inside) == 1000
    assert sorted(inside)[989] <= 300.0
    assert max(connects.values()) <= 150


@pytest.mark.t(9)
def test_even_homes_that_come_all_at_once_are_let_in_at_150_a_second_at_most():
    gate = Gate()
    waiting, now_s, most = 2000, 0.0, 0
    while waiting:
        inside = sum(gate.connect_wait_s(now_s + i * 1e-4) == 0.0 for i in range(waiting))
        most = max(most, inside)
        waiting -= inside
        now_s += 1.0
    assert most <= 150
    assert now_s <= 300


def test_one_home_may_say_hello_once_in_ten_seconds():
    gate = Gate()
    home, other = bytes(16), bytes(range(16))
    hellos = [gate.hello_wait_s(home, second / 10) == 0.0 for second in range(1000)]
    assert sum(hellos) in {12, 13}  # three at once, then one in ten seconds
    assert gate.hello_wait_s(other, 100.0) == 0.0


def test_an_address_with_too_many_wrong_hellos_waits():
    gate = Gate()
    waits = [gate.stranger_wait_s("192.0.2.1", 0.0) for _ in range(61)]
    assert waits[:60] == [0.0] * 60
    assert waits[60] == pytest.approx(1.0)
    assert gate.stranger_wait_s("192.0.2.2", 0.0) == 0.0
