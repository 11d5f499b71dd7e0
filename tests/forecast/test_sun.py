"""The sun against the almanac: heights at noon, sunrise, clocks."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hidamari.forecast.sun import Place, clear_sky_kw_m2, cos_zenith

TOKYO = Place(35.68, 139.77, ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("at", "height_deg"),
    [
        # solar noon in Tokyo; height = 90 - latitude + declination (+-23.44 at the solstices)
        (datetime(2024, 6, 21, 2, 43, tzinfo=UTC), 90 - 35.68 + 23.44),
        (datetime(2024, 12, 21, 2, 39, tzinfo=UTC), 90 - 35.68 - 23.44),
        (datetime(2024, 3, 20, 2, 48, tzinfo=UTC), 90 - 35.68),
    ],
)
def test_height_at_noon(at: datetime, height_deg: float) -> None:
    height = np.degrees(np.arcsin(cos_zenith(TOKYO, np.array([at.timestamp()]))[0]))
    assert height == pytest.approx(height_deg, abs=0.2)


def test_sunrise_in_tokyo_at_new_year() -> None:
    # National Astronomical Observatory of Japan: Tokyo, 1 January 2024, sunrise 6:51
    # (upper limb with refraction: the centre then stands 0.83 degrees below the horizon)
    at = datetime(2023, 12, 31, 21, 51, tzinfo=UTC)
    height = np.degrees(np.arcsin(cos_zenith(TOKYO, np.array([at.timestamp()]))[0]))
    assert height == pytest.approx(-0.83, abs=0.25)


def test_clear_sky_by_the_formula_and_dark_at_night() -> None:
    sky = clear_sky_kw_m2(TOKYO, date(2024, 6, 21), 48)
    assert sky.shape == (48,)
    assert not sky[:8].any()
    assert not sky[40:].any()
    # Haurwitz at the highest sun: cos z = sin 77.76 deg = 0.977
    assert sky.max() == pytest.approx(1.098 * 0.977 * np.exp(-0.057 / 0.977), abs=0.005)


def test_a_clock_change_moves_the_sun_on_the_clock() -> None:
    place = Place(52.5, 13.4, ZoneInfo("Europe/Berlin"))
    before = clear_sky_kw_m2(place, date(2024, 3, 30), 48)
    after = clear_sky_kw_m2(place, date(2024, 4, 1), 48)
    assert int(after.argmax()) - int(before.argmax()) == 2  # an hour later by the clock
