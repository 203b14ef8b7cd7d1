"""What a cut can refuse, each in one line that names the cure."""


class CutRefused(Exception):
    """A review batch is not written, or not trusted; every other refusal of this room is one of these."""


class InvalidWindow(CutRefused):
    """Not a window: no such week, bounds that are not in order, or a time without a zone."""


class WindowOpen(CutRefused):
    """Events of the window may still arrive."""


class EmptyWindow(CutRefused):
    """Nothing that a person could review happened in the window; most often its name is mistyped."""


class BatchDiffers(CutRefused):
    """The window is cut already and would now be cut otherwise: the first cut is a fact and stays."""


class TamperedBatch(CutRefused):
    """A file of a batch is not what its manifest says."""


class NotABatch(CutRefused):
    """A folder holds no review batch."""


class CutUnderWay(CutRefused):
    """Another process cuts into the same folder."""


class MovedMeanwhile(CutRefused):
    """Picked inferences were erased or re-flagged between the picking and the reading."""


class UnusableFolder(CutRefused):
    """Batches cannot be written where they were asked for."""


class InvalidPolicy(CutRefused):
    """review.toml has a value that cannot be, or is no TOML; the message names the key and the cure."""
