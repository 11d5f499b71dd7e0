"""How many properties one frame to a device may name, found by trying."""

from dataclasses import dataclass

# Devices are reported to become unstable above ten properties a frame (0x0287 in the field).
BATCH_START = 10
STRIKES = 3  # silences that outweigh an earlier success: frames get lost without any reason


@dataclass(slots=True)
class Batch:
    """The largest batch that worked, the smallest that did not, and what to try next."""

    size: int = BATCH_START
    proven: int = 0
    ceiling: int = BATCH_START + 1
    strikes: int = 0

    def worked(self, count: int) -> None:
        """All of `count` properties were answered in one frame."""
        if count >= self.size:
            self.strikes = 0
        if count > self.proven:
            self.proven = count
            self._aim()

    def failed(self, count: int) -> None:
        """`count` properties were too many, fewer were answered."""
        if 1 < count < self.ceiling:
            self.ceiling = count
            self.proven = min(self.proven, count - 1)
            self.strikes = 0
            self._aim()

    def silent(self, count: int) -> None:
        """`count` properties brought no answer, fewer did: too many, or a frame was lost."""
        self.strikes += 1
        if count > self.proven or self.strikes >= STRIKES:
            self.failed(count)

    def smaller(self, count: int) -> int:
        """What to ask for after silence on `count`: the same if that was ever answered."""
        return count if count <= self.proven else max(1, count // 3)

    def _aim(self) -> None:
        """The best guess: the start value at first, then half-way up to what failed."""
        if self.ceiling > BATCH_START:
            self.size = BATCH_START
        else:
            self.size = max(1, self.proven, (self.proven + self.ceiling) // 2)
