"""What may be promised: baseline with interval, dependency ceilings, proposals, low traffic."""
