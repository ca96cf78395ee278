"""Runs the small production: starts its processes, deploys its versions, ends them all."""
