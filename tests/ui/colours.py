"""Colour arithmetic for the token tests: WCAG contrast, OKLab distance, colour-blind vision."""

import re
from pathlib import Path

TOKENS = Path(__file__).parents[2] / "ui/src/lib/tokens.css"
Rgb = tuple[float, float, float]
Matrix = tuple[tuple[float, float, float], ...]

# Machado, Oliveira, Fernandes (2009), "A Physiologically-based Model for Simulation of Color
# Vision Deficiency", severity 1.0, on linear RGB.
VISION: dict[str, Matrix] = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
# Ottosson (2020), "A perceptual color space for image processing".
TO_LMS: Matrix = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
TO_LAB: Matrix = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def tokens(dark: bool) -> dict[str, str]:
    """Every colour token of a theme as #rrggbb."""
    text = TOKENS.read_text(encoding="utf-8")
    found = {}
    for name, light_hex, dark_hex in re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{6}), ?(#[0-9a-f]{6})\)", text
    ):
        found[name] = dark_hex if dark else light_hex
    return found


def linear(colour: str) -> Rgb:
    """#rrggbb as linear RGB, 0-1 (IEC 61966-2-1)."""
    raw = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in raw)
    return r, g, b


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio, 1 to 21."""
    weights = (0.2126, 0.7152, 0.0722)
    a, b = (
        sum(w * c for w, c in zip(weights, linear(colour), strict=True)) for colour in (one, other)
    )
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


def distance(one: str, other: str, vision: str) -> float:
    """OKLab distance x 100 between two colours as somebody with that vision sees them."""
    a, b = (_oklab(_times(VISION[vision], linear(colour))) for colour in (one, other))
    return 100 * sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


def _oklab(rgb: Rgb) -> Rgb:
    clipped = tuple(min(1.0, max(0.0, c)) for c in rgb)
    lms = _times(TO_LMS, (clipped[0], clipped[1], clipped[2]))
    return _times(TO_LAB, (lms[0] ** (1 / 3), lms[1] ** (1 / 3), lms[2] ** (1 / 3)))


def _times(matrix: Matrix, v: Rgb) -> Rgb:
    a, b, c = (sum(m * x for m, x in zip(row, v, strict=True)) for row in matrix)
    return a, b, c
