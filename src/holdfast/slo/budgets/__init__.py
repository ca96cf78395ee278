"""The ledger of a budget: periods, corrections, the no-data policy, and what was spent on what."""
