"""`python -m holdfast` is `holdfast`."""

from holdfast.surfaces.cli.main import main

main()
