"""The command `hidamari backtest`: measured homes in, a table of bills or one line of JSON out."""

import json
import sys
from datetime import date

from hidamari.backtest.main import HomeResult, Options, Report, run
from hidamari.backtest.tariffs import tariff_of
from hidamari.core.errors import InputError

BAR = 30


def run_backtest(options: Options, *, as_json: bool) -> None:
    """Replay and print; InputError names what was expected."""
    tariff_of(options.tariff, options.spot)  # a wrong name is told before files are read
    if options.solar_forecast is not None and not options.solar_forecast.exists():
        raise InputError(f"--solar-forecast: none or a file expected, got {options.solar_forecast}")
    report = run(options, show_progress if sys.stderr.isatty() else None)
    print(as_line(report) if as_json else as_table(report))


def day_of(text: str, name: str) -> date | None:
    """A local day of the command line; empty = not given."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name}: a day such as 2016-09-01 expected, got {text!r}") from None


def show_progress(home: str, day: int, days: int) -> None:
    """A bar on the terminal, replay by replay."""
    done = BAR * day // max(1, days)
    end = "\n" if day >= days else ""
    bar = "#" * done + "-" * (BAR - done)
    print(f"\r{home:<12} [{bar}] {day}/{days} days", end=end, file=sys.stderr, flush=True)


def as_line(report: Report) -> str:
    """The report as one line of JSON."""
    return json.dumps(report.as_json())


def as_table(report: Report) -> str:
    """The report for a person: yen a year, shares in percent."""
    head = f"{'home':<8}{'none':>9}{'self':>9}{'night':>9}{'ours':>9}{'best':>9}{'share':>8}"
    head += f"{'load':>7}{'(rule)':>8}{'sun':>7}{'(yest.)':>9}{'ms':>7}"
    lines = [head, *(_row(home) for home in report.homes)]
    if "captured_share" in report.mean:
        lines.append(f"mean captured share {100 * report.mean['captured_share']:.1f} %")
    return "\n".join(lines)


def _row(home: HomeResult) -> str:
    bills = (home.none_yen, home.greedy_yen, home.night_yen, home.ours_yen, home.optimum_yen)
    yen = "".join(f"{bill:>9,.0f}" for bill in bills)
    sun, yesterday = (
        "-" if value is None else f"{value:.3f}" for value in (home.pv_nmae, home.pv_nmae_yesterday)
    )
    row = f"{home.home:<8}{yen}{100 * home.captured_share:>7.1f}%{home.load_nmae:>7.3f}"
    return row + f"{home.load_nmae_rule:>8.3f}{sun:>7}{yesterday:>9}{home.plan_ms:>7.1f}"
