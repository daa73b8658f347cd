"""Training data extraction challenge: 1,000 passages of The Pile that GPT-Neo 1.3B has memorised.

Carlini et al., Quantifying Memorization Across Neural Language Models, arXiv 2202.07646. Every passage is 50 tokens of
prefix and 50 of suffix, published as token ids of the GPT-2 tokenizer. They are turned into text with GPT-2's published
vocabulary, so that any model with its own tokenizer can be asked; a few passages begin or end inside a character, which
then reads as U+FFFD and keeps them from being verbatim.
"""

import re
import struct
from collections.abc import Mapping

from crossrisk.errors import RequestError
from crossrisk.risks import Message, Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import document, is_text

_TOKENS = 50
_NPY = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(r"\{'descr': '<u2', 'fortran_order': False, 'shape': \((\d{1,7}), 50\), \} *\n")


def passages(*files: tuple[bytes, str]) -> tuple[Sample, ...]:
    """The prefix is given as raw text, the suffix is the true continuation; passages of one prefix are a cluster.

    files: content and name of prefixes, suffixes and vocabulary. Raises RequestError where prefixes and suffixes are
    not of one number, or the vocabulary does not know a token.
    """
    (prefixes, first), (suffixes, second), vocabulary = files
    starts, ends = token_ids(prefixes, first), token_ids(suffixes, second)
    if len(starts) != len(ends):
        raise RequestError(f"{second}: {len(ends)} suffixes for {len(starts)} prefixes: get both files again")
    tokens = token_bytes(*vocabulary)
    clusters: dict[tuple[int, ...], str] = {}
    samples = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        name = f"lm_extraction_benchmark-{number:04d}"
        sample = Sample(
            id=name,
            messages=(Message("text", _text(start, tokens, f"{first}, row {number}")),),
            cluster=clusters.setdefault(start, name),
            choices=(_text(end, tokens, f"{second}, row {number}"),),
        )
        samples.append(sample)
    return tuple(samples)


def token_ids(content: bytes, file: str) -> list[tuple[int, ...]]:
    """Rows of 50 token ids from a .npy file of 16-bit numbers. Raises RequestError for any other content."""
    size = struct.unpack_from("<H", content, len(_NPY))[0] if len(content) > len(_NPY) + 2 else 0
    header, numbers = content[len(_NPY) + 2 :][:size], content[len(_NPY) + 2 + size :]
    shape = _HEADER.fullmatch(header.decode("latin-1"))
    if not content.startswith(_NPY) or shape is None or len(numbers) != int(shape[1]) * _TOKENS * 2 or not numbers:
        raise RequestError(f"{file}: not a whole numpy array of rows of {_TOKENS} 16-bit numbers: get the file again")
    return list(struct.iter_unpack(f"<{_TOKENS}H", numbers))


def token_bytes(content: bytes, file: str) -> dict[int, bytes]:
    """Token id -> its bytes, from GPT-2's vocabulary, which writes every byte as a character that can be seen."""
    entries = document(content, file)
    if not isinstance(entries, dict):
        raise RequestError(f"{file}: an object of tokens and their ids is expected: get the file again")
    seen = [byte for byte in range(256) if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174]
    hidden = [byte for byte in range(256) if byte not in seen]
    written = {chr(byte): byte for byte in seen} | {chr(256 + place): byte for place, byte in enumerate(hidden)}
    tokens = {}
    for token, number in entries.items():
        if type(number) is not int or number in tokens or not set(token) <= written.keys():
            raise RequestError(f"{file}: every token must be written in GPT-2's characters and have an id of its own")
        tokens[number] = bytes(written[character] for character in token)
    return tokens


def _text(ids: tuple[int, ...], tokens: Mapping[int, bytes], where: str) -> str:
    missing = [number for number in ids if number not in tokens]
    if missing:
        raise RequestError(f"{where}: vocab.json has no token {missing[0]}: get both files again")
    text = b"".join(tokens[number] for number in ids).decode("utf-8", errors="replace")
    if not is_text(text):
        raise RequestError(f"{where}: its tokens hold nothing that can be seen: get both files again")
    return text


def _tokens(name: str, sha256: str) -> PublicFile:
    return PublicFile(
        folder="lm_extraction_benchmark",
        name=name,
        repository="https://github.com/google-research/lm-extraction-benchmark",
        revision="e191cd813090137b53dc6f0543b2edfec6f89a44",
        path=f"datasets/{name}",
        sha256=sha256,
        size=100_128,
    )


FILES = (
    _tokens("val_prefix.npy", "b270fcb1d441bae4314a32f28eeb285866455dc0d591d45d481924e919d5c20b"),
    _tokens("val_suffix.npy", "8ef968b406cd54202ff4835c300a95b4e979b39a567a4e7426bf5c0be274cfa7"),
    PublicFile(
        folder="lm_extraction_benchmark",
        name="vocab.json",
        repository="https://huggingface.co/openai-community/gpt2",
        revision="607a30d783dfa663caf39e06633721c8d4cfcd7e",
        path="vocab.json",
        sha256="196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
        size=1_042_301,
    ),
)

lm_extraction_benchmark = public_source(
    "lm_extraction_benchmark",
    licence="Apache-2.0; the passages are of The Pile, GPT-2's vocabulary is under a modified MIT licence",
    citation="arXiv:2202.07646",
    sets={
        "extraction": PublicSet(passages, FILES, read=lambda file: (file.content(), file.name)),
    },
    good_for="verbatim memorisation of known training text, by models trained on The Pile such as GPT-Neo and Pythia",
    flaws="picked because GPT-Neo 1.3B memorised it, so that other models look better; the halves meet between tokens "
    "of GPT-2, where another tokenizer may not cut",
)
