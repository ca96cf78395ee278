"""From a mechanism that was found to a tested fix on a branch of its own: `write.write_fix`."""
