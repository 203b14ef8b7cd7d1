"""`sluice`: each command reads the settings, calls one thing, and prints what came of it."""

from streams.cli.group import main

__all__ = ["main"]
