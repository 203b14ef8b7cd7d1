"""A batch goes out to where people decide: Label Studio, Argilla, Hugging Face, CSV, JSONL."""
