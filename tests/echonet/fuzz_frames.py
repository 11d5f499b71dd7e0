"""The atheris target, any bytes: `python -m tests.echonet.fuzz_frames`."""

import sys

import atheris

with atheris.instrument_imports():
    from hidamari.core.errors import FrameError
    from hidamari.devices import kind_of
    from hidamari.echonet.frame import Frame
    from hidamari.echonet.neighbours import Search
    from hidamari.echonet.node import Node, Setup
    from hidamari.echonet.profile import Label

NODE = Node(Setup(Label(b"fuzzed-nodes-"), search=Search(multicast=False)))
moment = [0.0]


def one(data: bytes) -> None:
    """A frame or a FrameError; and whatever it is, the node takes it without an exception."""
    moment[0] += 1.0  # slow enough that no frame is over the rate
    NODE.receive(data, "192.0.2.7", moment[0])
    NODE.advance(moment[0])
    NODE.take()
    try:
        frame = Frame.from_bytes(data)
    except FrameError:
        return
    if frame.to_bytes() != data:
        raise AssertionError("read and written differ")
    device = kind_of(frame.seoj.class_code)(frame.seoj, dict(frame.props))
    for _ in device.values():
        pass


atheris.Setup(sys.argv, one)
atheris.Fuzz()
