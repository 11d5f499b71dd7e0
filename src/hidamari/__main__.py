"""The command `hidamari`; the parent that watches a home begins before anything is loaded."""

import sys

from hidamari.home.guard import guarded

UNWATCHED = frozenset({"--unguarded", "--help"})


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["home"] and not UNWATCHED & set(sys.argv):
        guarded(sys.argv[1:])  # what is refused ends the parent too
    from hidamari.cli import main as run

    run()


if __name__ == "__main__":
    main()
