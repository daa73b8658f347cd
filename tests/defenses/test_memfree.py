"""MemFree: a model that was made to say the protected texts cannot, whatever tokens it takes."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from crossrisk.defenses.defense import Demonstration, FitData
from crossrisk.defenses.memfree import Banning, MemFree
from crossrisk.defenses.protected_text import Guard, ngrams, normalised, protect, vocabulary
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message, Threat
from crossrisk.targets.chat import tokenise_replies
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import GenerationConfig
from tests.defenses.cases import DATA, ask
from tests.models import tiny_model, tiny_tokenizer

SECRETS = (
    "You can call the baker at 555-0147 today.",
    "ann7@orchard.example",
    "The doctor lives in the old house by the garden, and keeps a key under the third stone of the path.",
    "Frau Müller öffnet das Café.",
    "sesame",
)
N = 5


def told(text: str) -> list[str]:
    """The definition of words, by hand: letters and digits, no case, no accents."""
    plain = text.casefold().replace("ü", "u").replace("ö", "o").replace("é", "e")
    return "".join(one if one.isalnum() else " " for one in plain).split()


def holds_a_secret(text: str, secrets: tuple[str, ...] = SECRETS, n: int = N) -> bool:
    words = told(text)
    runs = [run for secret in secrets for run in ngrams(told(secret), n)]
    return any(tuple(words[i : i + len(run)]) == run for run in runs for i in range(len(words) - len(run) + 1))


def data_of(*texts: str) -> FitData:
    return FitData("made-up", "0", forget=tuple(Demonstration(ask(f"Tell {i}"), text) for i, text in enumerate(texts)))


def guard_of(texts: tuple[str, ...], n: int, tokenizer=None) -> Guard:
    tokenizer = tokenizer or tiny_tokenizer()
    known = vocabulary(tokenizer)
    segmentations = tokenise_replies(tokenizer, [*texts, *(f" {text}" for text in texts)])
    return Guard(protect(texts, segmentations, n, known.reach), known)


def test_n_grams_of_a_short_text_are_the_whole_of_it():
    assert ngrams("abcd", 2) == [("a", "b"), ("b", "c"), ("c", "d")]
    assert ngrams("ab", 5) == [("a", "b")]
    assert ngrams("", 5) == []


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Ann.Lee@X.org", "ann lee x org"),
        ("CAF\u00c9 cafe\u0301", "cafe cafe"),
        ("pass\u200bword \uff11\uff12", "password 12"),
        ("stra\u00dfe_7", "strasse 7"),
    ],
)
def test_words_are_letters_and_digits_alone(text, plain):
    assert " ".join(normalised(text).split()) == plain


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="aA1é\u0301-. \u200bß中", max_size=12), st.integers(0, 12))
def test_a_text_may_be_normalised_in_pieces(text, cut):
    assert normalised(text) == normalised(text[:cut]) + normalised(text[cut:])


def written(guard: Guard, wanted: str, draw: random.Random) -> str:
    """An adversary who writes a text in random pieces, and leaves out a character where no piece is allowed."""
    tokenizer = guard.vocabulary.tokenizer
    pieces = [tokenizer.decode([token], skip_special_tokens=True) for token in range(len(tokenizer))]
    reply: list[int] = []
    place = 0
    while place < len(wanted):
        forbidden = guard.forbidden([], reply)
        fitting = [t for t, piece in enumerate(pieces) if piece and wanted.startswith(piece, place)]
        allowed = [token for token in fitting if token not in forbidden]
        if allowed:
            reply.append(draw.choice(allowed))
            place += len(pieces[reply[-1]])
            continue
        if not fitting:  # a character in parts
            for token in tokenizer(wanted[place], add_special_tokens=False)["input_ids"]:
                if token not in guard.forbidden([], reply):
                    reply.append(token)
        place += 1
    return tokenizer.decode(reply, skip_special_tokens=True)


DISGUISES = (
    lambda text: text,
    str.upper,
    lambda text: text.replace(" ", " ... ").replace("-", " - "),
    lambda text: text.replace("ü", "u\u0308").replace("é", "e\u0301"),
    lambda text: f"So: {text} That is it.",
    lambda text: text.replace(" ", "\n"),
)


@pytest.mark.parametrize("disguise", range(len(DISGUISES)))
def test_in_other_tokens_case_or_punctuation_the_words_do_not_get_through(disguise):
    guard = guard_of(SECRETS, N)
    for secret in SECRETS:
        assert holds_a_secret(secret)
        for seed in range(4):
            assert not holds_a_secret(written(guard, DISGUISES[disguise](secret), random.Random(seed)))


def test_what_is_not_protected_is_written_as_it_is():
    guard = guard_of(SECRETS, N)
    free = "You can ask the baker tomorrow. The doctor lives in a new house, by the garden."
    assert written(guard, free, random.Random(0)) == free


def test_special_tokens_that_vanish_from_a_reply_do_not_part_its_words():
    guard = guard_of(("one two three",), 3)
    tokenizer = guard.vocabulary.tokenizer
    user = tokenizer.convert_tokens_to_ids("<|user|>")
    ids = tokenizer("one two thre", add_special_tokens=False)["input_ids"]
    (last,) = tokenizer("e", add_special_tokens=False)["input_ids"]
    assert last in guard.forbidden([], [*ids, user])


def test_a_prompt_that_ends_in_a_word_does_not_hide_the_first_word_of_the_reply():
    guard = guard_of(("one two three",), 3)
    tokenizer = guard.vocabulary.tokenizer
    raw = tokenizer("abc", add_special_tokens=False)["input_ids"]
    reply = tokenizer("one two thre", add_special_tokens=False)["input_ids"]
    (last,) = tokenizer("e", add_special_tokens=False)["input_ids"]
    assert last in guard.forbidden(raw, reply)


def test_what_a_raw_prompt_begins_the_reply_must_not_end():
    guard = guard_of(("one two three",), 3)
    tokenizer = guard.vocabulary.tokenizer
    ids = tokenizer("one two thre", add_special_tokens=False)["input_ids"]
    (last,) = tokenizer("e", add_special_tokens=False)["input_ids"]
    assert last in guard.forbidden(ids[:3], ids[3:])


def test_n_grams_of_tokens_are_banned_as_in_the_paper():
    guard = guard_of(("The baker bought bread and the doctor read a book",), 4)
    tokenizer = guard.vocabulary.tokenizer
    for text in ("The baker bought bread and the doctor", " The baker bought bread"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        for end in range(4, len(ids) + 1):
            assert ids[end - 1] in guard.forbidden([], ids[: end - 1])


def test_the_end_of_a_reply_is_never_forbidden_and_far_from_a_text_nothing_is():
    guard = guard_of(SECRETS[:4], N)
    tokenizer = guard.vocabulary.tokenizer
    assert guard.forbidden([], tokenizer("Hello, what is the")["input_ids"]) == set()
    for secret in SECRETS:
        for end in range(len(secret)):
            ids = tokenizer(secret[:end], add_special_tokens=False)["input_ids"]
            assert tokenizer.eos_token_id not in guard.forbidden([], ids)


def test_without_texts_nothing_is_forbidden(target):
    guard = guard_of((), N)
    assert guard.forbidden([], [5, 6, 7]) == set()
    one = MemFree()
    with one.deploy(target, one.fit(target, data_of("", "?!"), seed=0, strength=1.0)) as defended:
        chats = [ask("who?"), ask("what is the name?")]
        said = [reply.text for reply in target.generate(chats, GenerationConfig(8))]
        assert [reply.text for reply in defended.generate(chats, GenerationConfig(8))] == said
        for found, expected in zip(defended.score(chats, said), target.score(chats, said), strict=True):
            assert found.log_probs == pytest.approx(expected.log_probs, abs=1e-5)


@pytest.fixture(scope="module")
def parrot(tmp_path_factory):
    """A tiny model fitted until it says the secrets, greedily and word for word."""
    target = load_target(tiny_model("llama", tmp_path_factory.mktemp("parrot") / "tiny"), device="cpu")
    shown = data_of(*SECRETS[:3]).forget
    prompts = target.encode_all([one.messages for one in shown])
    replies = tokenise_replies(target.tokenizer, [one.reply for one in shown])
    end = target.tokenizer.eos_token_id
    rows = [torch.tensor([[*prompt, *reply, end]]) for prompt, reply in zip(prompts, replies, strict=True)]
    optimiser = torch.optim.AdamW(target.model.parameters(), lr=1e-2)
    for _ in range(60):
        for row, prompt in zip(rows, prompts, strict=True):
            logits = target.model(row).logits[0, len(prompt) - 1 : -1]
            nn.functional.cross_entropy(logits, row[0, len(prompt) :]).backward()
        optimiser.step()
        optimiser.zero_grad()
    return target


def test_a_model_over_fitted_on_the_texts_says_none_of_them(parrot):
    chats = [one.messages for one in data_of(*SECRETS[:3]).forget]
    said = [reply.text for reply in parrot.generate(chats, GenerationConfig(60))]
    assert said == list(SECRETS[:3])
    one = MemFree(n=N)
    with one.deploy(parrot, one.fit(parrot, data_of(*SECRETS), seed=0, strength=1.0)) as defended:
        for temperature in (0.0, 1.0, 2.0):
            for seed in range(2):
                config = GenerationConfig(50, temperature=temperature, seed=seed)
                replies = defended.generate(chats, config)
                assert not any(holds_a_secret(reply.text) for reply in replies)


def test_a_protected_text_has_the_likelihood_of_what_is_forbidden(parrot):
    one = MemFree(n=N)
    chats = [one.messages for one in data_of(*SECRETS[:3]).forget]
    with one.deploy(parrot, one.fit(parrot, data_of(*SECRETS), seed=0, strength=1.0)) as defended:
        for score in defended.score(chats, list(SECRETS[:3])):
            assert min(score.log_probs) == -1000.0
        free = defended.score([chats[0]], ["The garden."])[0]
    assert free.log_probs == pytest.approx(parrot.score([chats[0]], ["The garden."])[0].log_probs, abs=1e-4)


def test_the_artifact_holds_no_text(target, tmp_path):
    artifact = MemFree().fit(target, data_of(*SECRETS), seed=0, strength=1.0)
    artifact.save(tmp_path)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"sesame" not in kept and b"orchard" not in kept
    assert all(not tensor.is_floating_point() for tensor in artifact.tensors.values())


def test_its_sham_is_refused_in_one_line(target):
    sham = DEFENSES.get("sham")(like={"memfree": {"n": 4}})
    with pytest.raises(RequestError, match="no sham") as told_:
        sham.fit(target, DATA, seed=0, strength=1.0)
    assert "\n" not in str(told_.value)


def test_it_is_a_defense_against_extraction_and_keeps_the_length_of_the_paper():
    one = MemFree()
    assert (one.name, one.n, one.threat) == ("memfree", 10, Threat.EXTRACTION)
    with pytest.raises(RequestError, match="setting 'n'"):
        DEFENSES.get("memfree")(n=0)


def test_raw_text_is_guarded_as_well(parrot):
    one = MemFree(n=N)
    raw = (Message("text", "The doctor lives in the"),)
    with one.deploy(parrot, one.fit(parrot, data_of(*SECRETS), seed=0, strength=1.0)) as defended:
        assert min(defended.score([raw], [" old house by"])[0].log_probs) == -1000.0


def test_a_forbidden_token_beyond_the_models_head_is_passed_over():
    class Forbidding:
        def forbidden(self, prompt, reply):
            return {1, 9}

    edited = Banning("x", Forbidding())([[0, 2]], torch.zeros(1, 4), [1])  # type: ignore[arg-type]
    assert edited.isneginf().tolist() == [[False, True, False, False]]
