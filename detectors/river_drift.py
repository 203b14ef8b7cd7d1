"""River's drift detectors come through, as one package, which loads scipy.stats (20 MB, half a second of a worker's
start) for one that Sluice does not use: it is loaded where somebody asks it for something.
"""

import importlib.util
import sys

import scipy


def _put_off_stats() -> None:
    """Put an empty module where scipy.stats would be, which becomes it when something of it is wanted.

    Not importlib.util.LazyLoader, whose modules load for whoever asks each module for its file, as inspect.stack does.
    """
    spec = importlib.util.find_spec("scipy.stats")
    if spec is None or spec.loader is None or spec.name in sys.modules:
        return
    stats, loader = importlib.util.module_from_spec(spec), spec.loader

    def load(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        del stats.__getattr__
        loader.exec_module(stats)
        return getattr(stats, name)

    stats.__getattr__ = load  # type: ignore[method-assign]  # PEP 562
    sys.modules[spec.name] = scipy.stats = stats


_put_off_stats()

from river import drift  # noqa: E402  # after what it would load has been put off

__all__ = ["drift"]
