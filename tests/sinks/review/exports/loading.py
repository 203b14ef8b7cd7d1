"""Run where argilla and datasets are installed, not Sluice: loads what was exported, and prints what they read."""

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import argilla
from argilla._models import DatasetModel
from datasets import load_dataset

argilla.Argilla._default_client = MagicMock()  # settings hold a client that is only used to create them on a server

folder, cache = Path(sys.argv[1]), sys.argv[2]
settings = argilla.Settings.from_json(folder / "argilla/.argilla/settings.json")
dataset = DatasetModel(**json.loads((folder / "argilla/.argilla/dataset.json").read_text(encoding="utf-8")))
records = [
    argilla.Record.from_dict(each) for each in json.loads((folder / "argilla/records.json").read_text(encoding="utf-8"))
]
rows = load_dataset(str(folder / "huggingface"), "items", split="review", cache_dir=cache)
print(
    json.dumps(
        {
            "dataset": dataset.name,
            "questions": {each.name: type(each).__name__ for each in settings.questions},
            "fields": {each.name: type(each).__name__ for each in settings.fields},
            "records": [each.to_dict() for each in records],
            "rows": rows["inference_id"][:],
        },
        default=str,
    )
)
