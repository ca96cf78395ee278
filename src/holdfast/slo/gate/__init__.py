"""Whether a change may go out: the error budget policy and the live budget."""
