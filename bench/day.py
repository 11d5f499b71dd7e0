"""Virtual days of the demo's house: what the plan said before each half-hour, and what came of it.

Simulated devices, the network in memory, the real controller, planner and solver; time jumps, so
a day takes as long as its work does (about two minutes each).
"""

from datetime import UTC, datetime, timedelta

from tests.control.estate import an_estate
from tests.whole.loop import run

from hidamari.api.planview import result_body
from hidamari.schema.plan import ResultBody

PAST_DAYS = 40
# The day before, 15:10 in Tokyo: by midnight all has settled. Each with the seed of its house.
BEGINS = (
    (datetime(2026, 1, 20, 6, 10, tzinfo=UTC), 2),
    (datetime(2026, 2, 14, 6, 10, tzinfo=UTC), 4),
    (datetime(2026, 5, 24, 6, 10, tzinfo=UTC), 1),
    (datetime(2026, 8, 5, 6, 10, tzinfo=UTC), 3),
)
UNTIL_OVER = timedelta(days=1, hours=8, minutes=56)
MOST_PCT = 15.0


def figures() -> list[dict[str, object]]:
    """How far the energy of each steered device was from its plan, in percent of the plan."""
    return [row for begin, seed in BEGINS for row in _rows(run(_lived(begin, seed)))]


async def _lived(begin: datetime, seed: int) -> ResultBody:
    """From the day before to the end of the next local day."""
    async with an_estate(begin, PAST_DAYS, seed) as estate:
        day = begin.astimezone(estate.home.settings.zone).date() + timedelta(days=1)
        await estate.live(seconds=UNTIL_OVER.total_seconds())
        return result_body(estate.energy, day, "en")


def _rows(body: ResultBody) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for asset in body.assets:
        off_pct = asset.off_pct
        planned = f"planned {asset.planned_in_kwh:.2f} in, {asset.planned_out_kwh:.2f} out"
        measured = f"measured {asset.measured_in_kwh:.2f} in, {asset.measured_out_kwh:.2f} out"
        rows.append(
            {
                "name": f"day.{asset.kind}_off_plan, {body.day.isoformat()}",
                "value": off_pct,
                "unit": "%",
                "peer": f"{planned}; {measured} [kWh]",
                "bar": f"<= {MOST_PCT:g} %",
                "ok": off_pct is None or off_pct <= MOST_PCT,  # None: planned to rest
            }
        )
    return rows
