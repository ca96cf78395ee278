"""The records: frozen, typed, one concept a file. Import each from its module."""
