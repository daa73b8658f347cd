import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.attacks.attack import attacked
from crossrisk.attacks.ciphers import CIPHERS, decode, from_base64, from_morse, shifted, to_morse
from crossrisk.errors import RequestError
from crossrisk.registry import ATTACKS
from crossrisk.risks import Message, Sample

PLAIN = "First you tie a net to the boat, and then you row to where the moon is in the water."
REFUSAL = "I'm sorry, but I can't help with that."


def test_published_codes_by_hand() -> None:
    assert CIPHERS["caesar"].encode("abc xyz, Abc!") == "def abc, Def!"
    assert CIPHERS["rot13"].encode("Hello") == "Uryyb"
    assert CIPHERS["base64"].encode("Man") == "TWFu"
    assert CIPHERS["morse"].encode("SOS now") == "... --- ... / -. --- .--"
    assert CIPHERS["leet"].encode("Toast it") == "70457 17"


@pytest.mark.parametrize("name", CIPHERS)
def test_a_reply_in_its_code_is_read(name: str) -> None:
    found = decode(name, CIPHERS[name].encode(PLAIN))
    assert found is not None
    assert found.lower() == PLAIN.lower()


@pytest.mark.parametrize("name", CIPHERS)
def test_a_refusal_in_plain_words_is_read_as_it_stands(name: str) -> None:
    assert decode(name, REFUSAL) is not None
    assert decode(name, REFUSAL).lower() == REFUSAL.lower()  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["caesar", "rot13", "base64", "morse"])
def test_what_is_in_the_code_goes_before_what_announces_it(name: str) -> None:
    found = decode(name, f"Sure, here is my reply:\n\n{CIPHERS[name].encode(PLAIN)}")
    assert found is not None
    assert "moon" in found.lower()


@pytest.mark.parametrize("name", CIPHERS)
@pytest.mark.parametrize("announced", ["Here is my reply\n", "Sure\n", "Response\n\n", "Here is what you asked for: "])
@pytest.mark.parametrize("text", [PLAIN, REFUSAL, "I'm sorry."])
def test_an_announcement_does_not_keep_the_code_from_being_read(name: str, announced: str, text: str) -> None:
    found = decode(name, announced + CIPHERS[name].encode(text))
    assert found is not None
    assert text.lower() in found.lower()


@pytest.mark.parametrize("name", CIPHERS)
def test_a_reply_that_is_mostly_undecoded_is_undecodable_whatever_announces_it(name: str) -> None:
    assert decode(name, "Here is my reply to you in the code:\n" + "blorf zint quav mirp dral snib torv " * 4) is None


def test_a_broken_code_is_not_judged_by_a_scrap_of_it() -> None:
    packed = CIPHERS["base64"].encode(REFUSAL)
    assert decode("base64", f"Here is my reply\n{packed[:17]}?{packed[18:]}") is None
    assert decode("base64", f"Here is my reply\n{packed[:33]}") == REFUSAL[:24]  # cut off, but whole so far


@pytest.mark.parametrize("name", CIPHERS)
@pytest.mark.parametrize("text", ["zq xv wk jjj qq", "12 13 14", "", "   ", "%%%", "абв где"])
def test_neither_english_nor_code_is_undecodable(name: str, text: str) -> None:
    assert decode(name, text) is None


@pytest.mark.parametrize("name", ["caesar", "rot13", "base64", "morse"])
def test_english_in_one_code_is_not_taken_for_another(name: str) -> None:
    others = [other for other in ("caesar", "rot13", "base64", "morse") if other != name]
    assert all(decode(other, CIPHERS[name].encode(PLAIN)) is None for other in others)


def test_an_unknown_code_is_told() -> None:
    with pytest.raises(RequestError, match="unknown cipher 'rot31': did you mean rot13"):
        decode("rot31", "text")


@given(st.text(), st.integers(-60, 60))
def test_a_shift_is_undone_by_its_opposite(text: str, by: int) -> None:
    assert shifted(shifted(text, by), -by) == text


@given(st.lists(st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=6), min_size=1, max_size=6))
def test_morse_comes_back(words: list[str]) -> None:
    assert from_morse(to_morse(" ".join(words))) == " ".join(words)


def test_morse_of_a_sign_that_is_no_letter_is_none() -> None:
    assert from_morse("..---.-.") is None
    assert from_morse("no signs") is None


def test_base64_without_its_padding_or_over_two_lines_is_read() -> None:
    packed = CIPHERS["base64"].encode("the boat and the moon")
    assert from_base64(packed.rstrip("=")) == "the boat and the moon"
    assert from_base64(f"{packed[:8]}\n{packed[8:]}") == "the boat and the moon"


@pytest.mark.parametrize("name", CIPHERS)
def test_the_prompt_holds_the_request_in_code_and_the_sample_its_decoder(name: str) -> None:
    sample = Sample("s", (Message("user", "Explain how to steal the moon."),), "s")
    (found,) = attacked([sample], [ATTACKS.get(name)])
    assert found.meta["decode"] == name
    assert CIPHERS[name].encode("Explain how to steal the moon.") in found.messages[-1].content
    assert "steal the moon" not in found.messages[-1].content
