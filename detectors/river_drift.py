"""River's drift detectors come through, as one package, which loads scipy.stats (20 MB, half a second of a worker's
start) for one that Sluice does not use: it is loaded where somebody asks it for something.
"""

import importlib.util
import sys

import scipy


def _put_off_stats() -> None:
    spec = importlib.util.find_spec("scipy.stats")
    if spec is None or spec.loader is None or spec.name in sys.modules:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    stats = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = scipy.stats = stats
    spec.loader.exec_module(stats)


_put_off_stats()

from river import drift  # noqa: E402  # after what it would load has been put off

__all__ = ["drift"]
