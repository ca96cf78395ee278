"""The load: an open-loop generator, timed from the intended start of each request."""
