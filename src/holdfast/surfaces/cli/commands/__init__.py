"""One module a command. Only the standard library, Typer and errors are imported at their top."""
