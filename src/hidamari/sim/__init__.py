"""A simulated house that answers real ECHONET Lite."""
