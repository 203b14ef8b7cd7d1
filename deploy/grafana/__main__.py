"""`python -m deploy.grafana`: the dashboards, as code, become the JSON that is pushed and provisioned."""

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana import drift, models, overview, pipeline, review
from deploy.grafana.written import WRITTEN

PAGES = (overview, models, drift, pipeline, review)


def written() -> dict[str, str]:
    """Return the text of each file by its name; the same code gives the same bytes."""
    encode = JSONEncoder(indent=2, sort_keys=True, ensure_ascii=False).encode
    return {f"{page.__name__.rpartition('.')[2]}.json": encode(page.dashboard().build()) + "\n" for page in PAGES}


if __name__ == "__main__":
    for name, text in written().items():
        (WRITTEN / name).write_text(text)
