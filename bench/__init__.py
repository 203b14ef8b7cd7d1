import os

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # as `sluice` does, before anything loads Arrow
