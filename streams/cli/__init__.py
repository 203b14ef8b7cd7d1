"""`sluice`: each command reads the settings, calls one thing, and prints what came of it."""

from streams.cli import (
    batches,
    contract,
    erasing,
    exporting,
    findings,
    gateways,
    incidents,
    pushing,
    references,
    releasing,
    reporting,
    reviewing,
    running,
    sending,
    signing,
    similar,
    watching,
)
from streams.cli.group import main

__all__ = [
    "batches",
    "contract",
    "erasing",
    "exporting",
    "findings",
    "gateways",
    "incidents",
    "main",
    "pushing",
    "references",
    "releasing",
    "reporting",
    "reviewing",
    "running",
    "sending",
    "signing",
    "similar",
    "watching",
]
