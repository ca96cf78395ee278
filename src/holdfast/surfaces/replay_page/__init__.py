"""One self-contained page of a backtest, a simulation or a search: tables and inline charts."""
