"""The controller of one home: polling, balance, recording, supervision."""
