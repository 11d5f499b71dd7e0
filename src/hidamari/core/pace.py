"""How often something may go out: slowly on the whole, a few at once after a quiet time."""


class Pace:
    """One every `every_s` seconds on the whole, of which `at_once` may follow each other.

    A strict "one a second" would hold back the second of two changes although nothing was sent
    for a long time before.
    """

    def __init__(self, every_s: float, at_once: int) -> None:
        self._every_s = every_s
        self._credit_s = every_s * (at_once - 1)
        self._due_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next may go; 0 when it may go now."""
        return max(0.0, self._due_s - self._credit_s - now_s)

    def went(self, now_s: float) -> None:
        """One has gone."""
        self._due_s = max(self._due_s, now_s) + self._every_s
