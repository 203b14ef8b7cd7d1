"""What is measured runs as `sluice` does, down to the heap that Arrow takes from, before anything loads Arrow."""

import os

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
