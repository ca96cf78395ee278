"""The stages of an incident, composed of the folders above: asks, acts, appends. See flow.py."""
