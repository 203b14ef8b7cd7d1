"""Dashboards as they are kept: JSON files beside the code, which Grafana's provisioning and a push read."""

import json
from pathlib import Path
from typing import Any

WRITTEN = Path(__file__).parent / "dashboards"


def dashboards() -> list[dict[str, Any]]:
    """Read the dashboards, by uid."""
    return [json.loads(path.read_text()) for path in sorted(WRITTEN.glob("*.json"))]
