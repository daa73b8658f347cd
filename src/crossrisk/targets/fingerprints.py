"""What a model is, by the content of its files: computed without loading it, so a finished study never does.

Hashes of large files are remembered in `$CROSSRISK_CACHE` (default `~/.cache/crossrisk`) by path, size and time of
change. Nothing here imports torch.
"""

import contextlib
import hashlib
import json
import time
from pathlib import Path

from crossrisk.cache import cache_folder, write_atomically
from crossrisk.targets.locations import Location, adapter_weights, locate, weight_files
from crossrisk.targets.target import ChatTemplate, combined_fingerprint

# Beside the weights, what decides a reply: shape and stop tokens of the model, its tokenizer, its chat template.
MODEL_FILES = ("config.json", "generation_config.json")
ADAPTER_FILES = ("adapter_config.json",)
TEXT_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "spiece.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
)
REMEMBERED_FROM = 1 << 20  # bytes; smaller files are hashed in the time a look-up takes
SETTLED_AFTER = 2.0  # seconds; a file this young may change once more within the resolution of its time stamp


def spec_fingerprint(
    model: str | Path,
    *,
    adapter: str | Path | None = None,
    dtype: str = "float32",
    chat_template: ChatTemplate = "auto",
) -> str:
    """The fingerprint of `load_target` with the same arguments, computed from the files alone."""
    return combined_fingerprint(base_fingerprint(locate(model, adapter), dtype=dtype, chat_template=chat_template))


def weights_fingerprint(model: str | Path, adapter: str | Path | None = None) -> str:
    """Hash of configuration, weights, tokenizer and template of a model, and of the adapter on it."""
    return located_fingerprint(locate(model, adapter))


def base_fingerprint(location: Location, *, dtype: str, chat_template: ChatTemplate) -> str:
    """Hash of a model's files and of how they are loaded; the device is no part of it."""
    parts = [located_fingerprint(location), dtype, chat_template]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def located_fingerprint(location: Location) -> str:
    """`weights_fingerprint` of files already found. Names of folders do not enter, so a copy is the same model."""
    parts = {
        "model": _hashes(location.folder, MODEL_FILES, weight_files(location.folder)),
        "text": _hashes(location.tokenizer_folder, TEXT_FILES, []),
        "adapter": [],
    }
    if location.adapter is not None:
        parts["adapter"] = _hashes(location.adapter, ADAPTER_FILES, [adapter_weights(location.adapter)])
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _hashes(folder: Path, names: tuple[str, ...], weights: list[Path]) -> list[tuple[str, str]]:
    files = [folder / name for name in names if (folder / name).is_file()]
    return [(path.name, file_hash(path)) for path in [*files, *weights]]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content; of a large file that did not change since, from memory."""
    path = path.resolve()
    stat = path.stat()
    if stat.st_size < REMEMBERED_FROM:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    stamp = [str(path), stat.st_size, stat.st_mtime_ns]
    note = cache_folder("hashes") / f"{hashlib.sha256(str(path).encode()).hexdigest()[:32]}.json"
    remembered = _remembered(note)
    if remembered is not None and remembered[:-1] == stamp:
        return str(remembered[-1])
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    if time.time() - stat.st_mtime > SETTLED_AFTER:
        _remember(note, [*stamp, content])
    return content


def _remembered(note: Path) -> list[object] | None:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, list) and len(content) == 4 else None


def _remember(note: Path, content: list[object]) -> None:
    """A cache that cannot be written costs time, never the study."""
    with contextlib.suppress(OSError):
        write_atomically(note, json.dumps(content).encode())
