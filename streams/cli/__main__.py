"""`python -m streams.cli` is `sluice`."""

from streams.cli.group import main

main()
