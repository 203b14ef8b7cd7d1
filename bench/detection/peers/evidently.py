"""Evidently's drift check of a column, with its defaults, comes out as a competitor that looks once an hour.

The newest version has no streaming. Against a reference of a week, the defaults are the normed Wasserstein distance for
numbers and the Jensen-Shannon distance for classes, both with a threshold of 0.1.
"""

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # pandas publishes its types apart
from evidently import DataDefinition, Dataset, Report  # type: ignore[import-not-found]  # in the peers' environment only
from evidently.metrics import ValueDrift  # type: ignore[import-not-found]
from numpy.typing import NDArray

from bench.detection.hourly import Hourly
from bench.detection.race import Competitor, Watcher
from bench.detection.streams import Metric


def competitors() -> list[Competitor]:
    """Return the only one."""
    return [Competitor("Evidently ValueDrift, hourly", _start)]


def _start(metric: Metric, values: NDArray[np.float64], times: NDArray[np.int64]) -> Watcher:
    reference = _dataset(metric, values)
    report = Report([ValueDrift(column="value")], include_tests=True)

    def differs(_: NDArray[np.float64], hour: NDArray[np.float64]) -> bool:
        said = report.run(_dataset(metric, hour), reference).dict()
        return bool(said["tests"][0]["status"].value == "FAIL")

    return Hourly(differs, values, times, same_hours=False)


def _dataset(metric: Metric, values: NDArray[np.float64]) -> Dataset:
    if metric in ("error", "mix"):
        columns, kind = values.astype(np.int64).astype(str), DataDefinition(categorical_columns=["value"])
    else:
        columns, kind = values, DataDefinition(numerical_columns=["value"])
    return Dataset.from_pandas(pd.DataFrame({"value": columns}), data_definition=kind)
