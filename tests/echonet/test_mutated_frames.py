"""A million damaged frames through the parser and the decoders of every device kind (T13)."""

import os
import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.echonet.seeds import seed_frames

from hidamari.core.errors import FrameError
from hidamari.devices import kind_of
from hidamari.echonet.frame import Frame

pytestmark = pytest.mark.t(13)

ROOT = Path(__file__).parents[2]
FRAMES = 1_000_000
ATHERIS_S, ATHERIS_LONG_S = 10, 30  # the long time alone and in continuous integration


def damaged(raw: bytes, bits: int) -> bytes:
    """One of eight kinds of damage, all chosen by the bits of one random number."""
    at = (bits >> 16) % len(raw)
    code = bits >> 48 & 0xFF
    match bits & 7:
        case 0:
            return raw[:at]
        case 1:
            return raw + raw[at:]
        case 2:
            return raw[:at] + bytes((code,)) + raw[at:]
        case 3:
            return raw[:at] + raw[at + 1 :]
        case 4:
            return raw[:11] + bytes((code,)) + raw[12:]
        case _:
            return raw[:at] + bytes((code,)) + raw[at + 1 :]


@pytest.mark.timeout(240)
def test_a_million_damaged_frames_are_refused_or_decoded() -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().getrandbits(32)))
    print(f"SEED={seed}")
    draw = random.Random(seed).getrandbits
    seeds = seed_frames()
    believed = 0
    for n in range(FRAMES):
        bits = draw(64)
        raw = damaged(seeds[(bits >> 32 & 0xFFFF) % len(seeds)], bits)
        try:
            frame = Frame.from_bytes(raw)
        except FrameError:
            continue
        believed += 1
        device = kind_of(frame.seoj.class_code)(frame.seoj, dict(frame.props))
        for _ in device.values():
            pass
        if n & 15 == 0:
            assert frame.to_bytes() == raw
    # Damage inside the data of a property leaves a frame: many, but far from all.
    assert FRAMES * 0.1 < believed < FRAMES * 0.9


def test_no_cut_frame_gives_a_value() -> None:
    for raw in seed_frames():
        for end in range(len(raw)):
            with pytest.raises(FrameError):
                Frame.from_bytes(raw[:end])


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has no wheel for this Python")
def test_a_guided_fuzzer_finds_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, in_ci: bool
) -> None:
    is_long = in_ci or request.config.getoption("--t") == 13
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for n, raw in enumerate(seed_frames()):
        (corpus / str(n)).write_bytes(raw)
    limits = [
        f"-max_total_time={ATHERIS_LONG_S if is_long else ATHERIS_S}",
        "-timeout=1",
        f"-artifact_prefix={tmp_path}/",
    ]
    command = [sys.executable, "-m", "tests.echonet.fuzz_frames", *limits, str(corpus)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
