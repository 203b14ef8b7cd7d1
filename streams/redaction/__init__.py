"""Events pass through before they are stored, and leave without what must never be: people's data and secrets."""

from streams.redaction.policy import Redactor

__all__ = ["Redactor"]
