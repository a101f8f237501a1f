"""Embedding models that tests build or share."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "import_sentence_transformers",
    "write_tiny_cross_encoder",
    "write_tiny_transformer",
]


def write_tiny_transformer(folder: Path, *, prompts: dict[str, str] | None = None) -> Path:
    """A sentence-transformers folder with a transformer of random weights; bytes are its tokens."""
    import torch
    from transformers import BertConfig, BertModel

    import_sentence_transformers()
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    tokenizer, pieces = _byte_tokenizer()
    torch.manual_seed(3)
    encoder = BertModel(
        BertConfig(
            vocab_size=pieces,
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=96,
        )
    )
    source = folder / "transformers"
    encoder.save_pretrained(source)
    tokenizer.save_pretrained(source)
    transformer = Transformer(str(source))
    model = SentenceTransformer(
        modules=[transformer, Pooling(32, pooling_mode="mean")], device="cpu", prompts=prompts
    )
    model.save_pretrained(str(folder / "model"), create_model_card=False)
    return folder / "model"


def _byte_tokenizer() -> tuple[Any, int]:
    """A tokeniser whose tokens are bytes, and how many there are."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "sep_token": "[SEP]"}
    pieces = [*special.values(), *sorted(pre_tokenizers.ByteLevel.alphabet())]
    core = Tokenizer(
        models.BPE(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[])
    )
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    make: Any = PreTrainedTokenizerFast  # the library gives its constructor no types
    tokenizer = make(tokenizer_object=core, model_max_length=96, **special)
    return tokenizer, len(pieces)


@cache
def import_sentence_transformers() -> None:
    """Import the library; it takes some seconds the first time."""
    # What other packages warn of while they are imported is not what is tested here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sentence_transformers  # noqa: F401


def write_tiny_cross_encoder(folder: Path, *, labels: int = 1) -> Path:
    """A cross-encoder of random weights in a folder; bytes are its tokens."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    tokenizer, pieces = _byte_tokenizer()
    torch.manual_seed(5)
    configure: Any = BertConfig  # its types know only some of what it takes
    model = BertForSequenceClassification(
        configure(
            vocab_size=pieces,
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=96,
            num_labels=labels,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
