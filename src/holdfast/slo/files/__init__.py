"""Files that other tools read: rules and their tests, a dashboard, an error budget policy."""
