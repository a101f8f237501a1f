"""Step 5: the folder that ships. Vectors and tokeniser to a model that three libraries read.

Each row is stored as int8 with one scale: a quarter of the size of float32, and no measurable loss
at retrieval. model2vec multiplies rows by such weights itself, sentence-transformers folds them in
when it loads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from training.extend import EXTENDED
from training.material import PROJECT

__all__ = ["int8_rows", "main", "save_arrays", "write_manifest"]

NAME = "static-multilingual-512"
FILES = (
    "1_Normalize/config.json",
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "tokenizer.json",
)


def int8_rows(
    table: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Rows of a matrix as int8, and the scale of each."""
    scales = np.maximum(np.abs(table).max(axis=1), 1e-9) / 127
    rows = np.clip(np.rint(table / scales[:, None]), -127, 127).astype(np.int8)
    return rows, scales.astype(np.float32)


def save_arrays(arrays: dict[str, npt.NDArray[Any]], path: Path) -> None:
    """Write a safetensors file that everybody may read: the library makes it its owner's."""
    save_file(arrays, path)
    path.chmod(0o644)


def write_manifest(folder: Path, *, name: str, files: Sequence[str]) -> str:
    """Write each file's size and hash, and their revision. Returns a line that says so."""
    listed: dict[str, dict[str, Any]] = {}
    for each in files:
        data = (folder / each).read_bytes()
        listed[each] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    revision = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()[:12]
    _write_json(folder / "manifest.json", {"name": name, "revision": revision, "files": listed})
    total = sum(entry["bytes"] for entry in listed.values())
    return f"{name}, revision {revision}: {total / 1e6:.1f} MB in {folder}"


def _save_tokenizer(source: Path, target: Path) -> None:
    """Copy a tokeniser without the white space that is half of the file, scores to five digits."""
    content = json.loads(source.read_text(encoding="utf-8"))
    model = content["model"]
    model["vocab"] = [[piece, round(score, 5)] for piece, score in model["vocab"]]
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    target.write_text(text, encoding="utf-8")


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Write the model folder with its manifest."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--vectors",
        type=Path,
        default=EXTENDED / "vectors.npy",
        help="with the tokeniser beside it",
    )
    parser.add_argument(
        "--folder", type=Path, default=PROJECT / "src/rag/embedders/static_multilingual"
    )
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)

    table = np.load(arguments.vectors).astype(np.float32)
    rows, scales = int8_rows(table)
    save_arrays({"embeddings": rows, "weights": scales}, folder / "model.safetensors")
    _save_tokenizer(arguments.vectors.with_name("tokenizer.json"), folder / "tokenizer.json")
    _write_json(
        folder / "config.json",
        {
            "architectures": ["StaticModel"],
            "embedding_dtype": "int8",
            "hidden_dim": table.shape[1],
            "max_length": None,
            "model_type": "model2vec",
            "normalize": True,
        },
    )
    _write_json(
        folder / "modules.json",
        [
            {
                "idx": 0,
                "name": "0",
                "path": ".",
                "type": "sentence_transformers.models.StaticEmbedding",
            },
            {
                "idx": 1,
                "name": "1",
                "path": "1_Normalize",
                "type": "sentence_transformers.models.Normalize",
            },
        ],
    )
    _write_json(folder / "1_Normalize" / "config.json", {})
    _write_json(
        folder / "config_sentence_transformers.json",
        {"model_type": "SentenceTransformer", "prompts": {}, "similarity_fn_name": "cosine"},
    )
    print(write_manifest(folder, name=NAME, files=FILES))


if __name__ == "__main__":
    main()
