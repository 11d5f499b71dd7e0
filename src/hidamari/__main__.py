"""`python -m hidamari` is the command `hidamari`."""

from hidamari.cli import main

main()
