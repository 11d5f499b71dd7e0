"""`python -m bench [NAME] [--json]`: run one benchmark, or all of them, and print the figures."""

import argparse
import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Print each figure with its unit, peer, ratio and bar; exit 1 where a bar is missed."""
    names = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=names, help="all of them when left out")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures: dict[str, dict[str, object]] = {}
    for name in [given.name] if given.name else names:
        for row in importlib.import_module(f"bench.{name}").figures():
            figure = {key: row.get(key) for key in ("value", "unit", "peer", "ratio", "bar", "ok")}
            figures[str(row["name"])] = figure
            if not given.json:
                print(line(str(row["name"]), figure), flush=True)
    if given.json:
        print(json.dumps({"figures": figures}))
    return 0 if all(figure["ok"] is not False for figure in figures.values()) else 1


def line(name: str, figure: dict[str, object]) -> str:
    """One figure for people."""
    mark = {True: "ok  ", False: "MISS", None: "    "}[figure["ok"]]  # type: ignore[index]
    parts = [f"{mark} {name:<46} {figure['value']} {figure['unit'] or ''}".rstrip()]
    if figure["peer"] is not None:
        parts.append(f"peer {figure['peer']}")
    if figure["ratio"] is not None:
        parts.append(f"ratio {figure['ratio']}")
    if figure["bar"] is not None:
        parts.append(f"bar {figure['bar']}")
    return "   ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
