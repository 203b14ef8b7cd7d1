"""What people decided elsewhere comes back: Label Studio, Argilla, CSV, JSONL."""
