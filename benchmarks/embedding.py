"""Speed and size of the bundled embedding model, beside a small transformer.

The transformer has the shape of multilingual-e5-small (12 layers, 384 dimensions) and random
weights: it embeds nonsense, at the cost of the real one. Both run on the same threads.

Usage: python -m benchmarks.embedding        (2 minutes; OMP_NUM_THREADS sets the threads)
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rag.embedders.bundled import BundledEmbedder, bundled_folder

PROJECT = Path(__file__).resolve().parent.parent
CHARACTERS = 250
PASSAGES = 20_000
QUESTIONS = (
    "合肥2023年研发投入强度是多少？",
    "How many new energy vehicles did Hefei produce in 2023?",
)
_LOAD = (
    "import time; began = time.perf_counter();"
    "from rag.embedders.bundled import BundledEmbedder;"
    "BundledEmbedder.load().embed_query('合肥');"
    "print(time.perf_counter() - began)"
)


def passages(count: int) -> list[str]:
    """Stretches of the sample report of 250 characters each, no two alike."""
    text = (PROJECT / "corpus" / "hefei-2024.txt").read_text(encoding="utf-8")
    step = 7
    starts = [(number * step) % (len(text) - CHARACTERS) for number in range(count)]
    return [f"{number}{text[start : start + CHARACTERS]}" for number, start in enumerate(starts)]


def rate(embed: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """Passages a second, after a first call that is not counted."""
    embed(texts[:64])
    began = time.perf_counter()
    embed(texts)
    return len(texts) / (time.perf_counter() - began)


def milliseconds(embed: Callable[[str], object], repeats: int) -> tuple[float, float]:
    """Median and 99th percentile of one question."""
    times = []
    for number in range(repeats):
        question = QUESTIONS[number % len(QUESTIONS)]
        began = time.perf_counter()
        embed(question)
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times), float(np.percentile(times, 99))


def main() -> None:
    """Measure and print."""
    loads = [
        float(subprocess.run([sys.executable, "-c", _LOAD], capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    size = sum(path.stat().st_size for path in bundled_folder().rglob("*") if path.is_file())
    bundled = BundledEmbedder.load()
    speed = rate(bundled.embed_passages, passages(PASSAGES))
    median, slowest = milliseconds(bundled.embed_query, 2000)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{os.environ.get('OMP_NUM_THREADS', os.cpu_count())} threads")
    print(f"bundled model, {bundled.info.dimension} dimensions, {size / 1e6:.0f} MB on disk")
    print(f"  {speed:10,.0f} passages of {CHARACTERS} characters a second")
    print(f"  {median:10.2f} ms a question ({slowest:.2f} ms at the 99th percentile)")
    print(f"  {statistics.median(loads):10.2f} s to load and embed, in a fresh process")
    print(f"  {resident:10,.0f} MB resident at most, {PASSAGES:,} passages and vectors included")
    _transformer()


def _transformer() -> None:
    from rag.embedders.transformer import SentenceTransformerEmbedder

    with tempfile.TemporaryDirectory() as folder:
        write_transformer(Path(folder))
        model = SentenceTransformerEmbedder.load(str(Path(folder) / "model"))
        speed = rate(model.embed_passages, passages(200))
        median, slowest = milliseconds(model.embed_query, 50)
    print("transformer of 12 layers and 384 dimensions, random weights")
    print(f"  {speed:10,.1f} passages of {CHARACTERS} characters a second")
    print(f"  {median:10.2f} ms a question ({slowest:.2f} ms at the 99th percentile)")


def write_transformer(folder: Path) -> None:
    """A sentence-transformers folder with the bundled model's tokeniser."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    core = Tokenizer.from_file(str(bundled_folder() / "tokenizer.json"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, model_max_length=512, pad_token=core.id_to_token(0)
    )
    torch.manual_seed(0)
    encoder = BertModel(
        BertConfig(
            vocab_size=core.get_vocab_size(),
            hidden_size=384,
            num_hidden_layers=12,
            num_attention_heads=12,
            intermediate_size=1536,
        )
    )
    encoder.save_pretrained(folder / "encoder")
    tokenizer.save_pretrained(folder / "encoder")
    modules = [Transformer(str(folder / "encoder")), Pooling(384, pooling_mode="mean")]
    model = SentenceTransformer(modules=modules, device="cpu")
    model.save_pretrained(str(folder / "model"), create_model_card=False)


if __name__ == "__main__":
    main()
