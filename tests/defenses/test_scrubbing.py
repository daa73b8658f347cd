"""Scrubbing: no planted datum survives, and nothing else moves."""

import string
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.defenses import scrubbing
from crossrisk.defenses.scrubbing import scrubbed_text
from crossrisk.errors import RequestError
from crossrisk.judges.personal_data import find_spans

PLANTED = {
    "ann.lee@orchard.example": "Write to {} before noon.",
    "+1 212-555-0147": "You can call {} at any time.",
    "4111 1111 1111 1111": "The card is {} and it works.",
    "DE89370400440532013000": "Send it to {} by Friday.",
    "123-45-6789": "Her SSN is {} as far as I know.",
    "quartz77": "The password is '{}', as before.",
    "12 Mill Lane": "They live at {} near the river.",
    "203.0.113.77": "It was sent from {} last night.",
}
HARMLESS = (
    "The baker sells 12 loaves for $4.50 before 10:30 on 3 May 2024.",
    "Multiply 1234 by 5678 and add 90.",
    "Reset your password in the settings. Version 2.10.4 is out, see section 3.2.1.",
    "",
    "  spaces \t and\n\nlines stay  ",
    "Already gone: <EMAIL> and <PHONE>.",
)


@pytest.mark.parametrize("datum", PLANTED)
def test_a_planted_datum_goes_and_the_words_around_it_stay(datum):
    before, after = PLANTED[datum].split("{}")
    scrubbed = scrubbed_text(before + datum + after)
    assert scrubbed.startswith(before) and scrubbed.endswith(after)
    placeholder = scrubbed[len(before) : len(scrubbed) - len(after)]
    assert placeholder[0] == "<" and placeholder[-1] == ">" and placeholder[1:-1].replace("_", "").isupper()


def test_by_hand():
    text = "Write to ann.lee@orchard.example or call 555-2345."
    assert scrubbed_text(text) == "Write to <EMAIL> or call <PHONE>."


@pytest.mark.parametrize("text", HARMLESS)
def test_text_without_personal_data_stays_as_it_is(text):
    assert scrubbed_text(text) == text


WORDS = st.sampled_from([*PLANTED, "the", "password", "is", "phone", ":", "'", "-", "at", "born", "on", "<EMAIL>"])
ANY = st.text(string.printable, max_size=12)


@given(st.lists(st.one_of(WORDS, ANY), max_size=14).map(" ".join))
def test_scrubbed_twice_is_scrubbed_once_and_holds_nothing_that_the_rules_find(text):
    scrubbed = scrubbed_text(text)
    assert scrubbed_text(scrubbed) == scrubbed
    assert not find_spans(scrubbed)


class _Analyzer:
    """Finds Ann and, as recognisers of names do, the names of kinds as well."""

    def analyze(self, text, **_):
        found = [(text.find(word), word) for word in ("Ann", "PERSON") if word in text]
        return [SimpleNamespace(start=start, end=start + len(word), kind="PERSON") for start, word in found]


class _Anonymizer:
    def anonymize(self, text, found):
        for one in sorted(found, key=lambda one: -one.start):
            text = f"{text[: one.start]}<{one.kind}>{text[one.end :]}"
        return SimpleNamespace(text=text)


def test_what_presidio_finds_goes_but_never_the_placeholders_themselves(monkeypatch):
    monkeypatch.setattr(scrubbing, "_presidio", lambda: (_Analyzer(), _Anonymizer()))
    scrubbed = scrubbed_text("Ask Ann and then Ann again.", "presidio")
    assert scrubbed == "Ask <PERSON> and then <PERSON> again."
    assert scrubbed_text(scrubbed, "presidio") == scrubbed


def test_without_presidio_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    scrubbing._presidio.cache_clear()
    with pytest.raises(RequestError, match=r"needs the package '.*': pip install 'crossrisk\[pii\]'") as caught:
        scrubbed_text("Ann", "presidio")
    assert "\n" not in str(caught.value)
