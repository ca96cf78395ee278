"""A PostgreSQL server of the lab's own, which ends with the lab and says what it was asked."""
