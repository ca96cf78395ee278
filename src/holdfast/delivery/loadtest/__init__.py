"""Load tests: an open loop timed from intended starts, that refuses to report its own limits."""
