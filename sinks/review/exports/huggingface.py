"""A batch becomes a folder that `datasets.load_dataset` opens: Parquet shards, and a card that says where they are."""

from pathlib import Path

import pyarrow.parquet as pq

ROWS = 5000  # of a shard
CARD = """\
---
configs:
- config_name: items
  data_files:
  - split: review
    path: data/review-*.parquet
size_categories:
- {size}
tags:
- sluice
---
# {batch}

{rows} items for people to decide on, picked by Sluice. Nothing in here is decided; train on releases instead.
Dialogues and tags are JSON in text columns; `inclusion_probabilities` and `control_weight` say how an item was drawn.
"""
# https://github.com/huggingface/hub-docs/blob/main/datasetcard.md
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write(folder: Path, batch: Path) -> int:
    """Write data/review-*.parquet and README.md; return how many rows."""
    source = pq.ParquetFile(batch / "items.parquet")
    rows: int = source.metadata.num_rows
    shards = max(1, -(-rows // ROWS))
    (folder / "data").mkdir()
    pieces = source.iter_batches(batch_size=ROWS)
    for number in range(shards):
        path = folder / "data" / f"review-{number:05d}-of-{shards:05d}.parquet"
        with pq.ParquetWriter(path, source.schema_arrow, version="2.6", compression="zstd") as shard:
            if (piece := next(pieces, None)) is not None:
                shard.write_batch(piece)
    size = next((name for most, name in _SIZES if rows < most), "1M<n<10M")
    (folder / "README.md").write_text(CARD.format(size=size, batch=batch.resolve().name, rows=rows), encoding="utf-8")
    return rows
