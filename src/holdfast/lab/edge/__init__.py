"""The edge: a proxy that shares traffic between versions and measures what the client sees."""
