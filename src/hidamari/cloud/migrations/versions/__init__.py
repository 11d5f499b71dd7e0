"""One file per step; the order is that of `down_revision`."""
