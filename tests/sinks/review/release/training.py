"""Run where TRL is installed, not Sluice: loads a release, trains a step on each shape, and prints what was read.

The model has a few thousand random weights, and its tokenizer one token a byte: nothing is downloaded.
"""

import json
import sys
from pathlib import Path
from typing import Any

from datasets import Dataset, load_dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast
from trl import (
    DPOConfig,
    DPOTrainer,
    KTOConfig,
    KTOTrainer,
    RewardConfig,
    RewardTrainer,
    SFTConfig,
    SFTTrainer,
)
from trl.data_utils import apply_chat_template, is_conversational, maybe_extract_prompt, maybe_unpair_preference_dataset

TEMPLATE = """{% for message in messages %}<{{ message.role }}>{{ message.content }}
{%- for call in message.tool_calls or [] %}{{ call.function.name }}{{ call.function.arguments | tojson }}{% endfor -%}
<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"""
TRAINERS: dict[str, tuple[Any, Any]] = {
    "sft": (SFTTrainer, SFTConfig),
    "dpo": (DPOTrainer, DPOConfig),
    "kto": (KTOTrainer, KTOConfig),
    "reward": (RewardTrainer, RewardConfig),
}


def tokenizer() -> PreTrainedTokenizerFast:
    letters = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    bytewise = Tokenizer(models.BPE(vocab=letters, merges=[]))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=bytewise, eos_token="<end>", pad_token="<pad>")  # noqa: S106
    made.chat_template = TEMPLATE
    return made


def model(shape: str, words: PreTrainedTokenizerFast) -> Any:
    tiny = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"pad_token_id": words.pad_token_id, "eos_token_id": words.eos_token_id, "num_labels": 1}
    config = LlamaConfig(vocab_size=len(words), max_position_embeddings=4096, **tiny, **ends)
    return (LlamaForSequenceClassification if shape == "reward" else LlamaForCausalLM)(config)


def trained(shape: str, rows: Dataset, words: PreTrainedTokenizerFast, out: str) -> dict[str, Any]:
    """Train a step, and return the loss and the rows as the trainer has prepared them."""
    trainer, config = TRAINERS[shape]
    args = config(
        output_dir=out,
        max_steps=1,
        per_device_train_batch_size=len(rows),
        max_length=4096,
        use_cpu=True,
        bf16=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    other = {"ref_model": model(shape, words)} if shape in ("dpo", "kto") else {}
    at_work = trainer(model=model(shape, words), args=args, train_dataset=rows, processing_class=words, **other)
    loss = at_work.train().training_loss
    prepared = at_work.train_dataset
    ids = [name for name in prepared.column_names if name.endswith("ids")]
    return {"loss": loss, "prepared": [{name: words.decode(row[name]) for name in ids} for row in prepared]}


def main(release: Path, cache: str) -> None:
    words, said = tokenizer(), {}
    for shape in TRAINERS:
        rows = load_dataset(str(release), shape, split="train", cache_dir=cache)
        said[shape] = {
            "rows": list(rows),
            "conversational": all(map(is_conversational, rows)),
            "prompts_extracted": [maybe_extract_prompt(row) for row in rows],
            "unpaired": len(maybe_unpair_preference_dataset(rows)),
            "rendered": [apply_chat_template(row, words) for row in rows],
            "trained": trained(shape, rows, words, cache),
        }
    said["evaluation"] = {"rows": list(load_dataset(str(release), "evaluation", split="test", cache_dir=cache))}
    print(json.dumps(said))


main(Path(sys.argv[1]), sys.argv[2])
