"""Scrubbing: personal data in a text give way to the name of their kind, `<EMAIL>` or `<PHONE>`.

Two engines find them: our rules (`judges/personal_data.py`: what form, check digits or the words before a datum give
away; no names of persons), and Microsoft's Presidio with a spaCy model, which also guesses at names. Works on prompts,
on replies and on training sets alike.
"""

import re
from functools import cache
from typing import Any, Literal

from crossrisk.errors import RequestError

Engine = Literal["rules", "presidio"]

_PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*>")

SPACY_MODEL = "en_core_web_lg"  # the one that Presidio itself takes for English
# What belongs to one person. Left out of Presidio's list are dates, places, nationalities and links: what is harmless
# by itself shall stay as it is.
ENTITIES = (
    "PERSON",
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "CREDIT_CARD",
    "CRYPTO",
    "IBAN_CODE",
    "IP_ADDRESS",
    "MEDICAL_LICENSE",
    "US_BANK_NUMBER",
    "US_DRIVER_LICENSE",
    "US_ITIN",
    "US_PASSPORT",
    "US_SSN",
)
# Presidio's own score of a telephone number; below it are bare runs of digits, which it takes for anything.
SURE = 0.4


def scrubbed_text(text: str, engine: Engine = "rules") -> str:
    """The text without the personal data that the engine finds; all the rest stays, character for character.

    Scrubbing what is scrubbed changes nothing: a datum that shows only once its neighbour is gone is taken as well.
    Raises RequestError where Presidio, or its model, is not installed.
    """
    replaced = _replaced_by_rules if engine == "rules" else _replaced_by_presidio
    # Ends: each round takes away characters that no placeholder holds, and no datum lies inside a placeholder.
    while (after := replaced(text)) != text:
        text = after
    return text


def _replaced_by_rules(text: str) -> str:
    from crossrisk.judges.personal_data import find_spans

    for span in reversed(find_spans(text)):
        text = f"{text[: span.start]}<{span.kind.upper()}>{text[span.end :]}"
    return text


def _replaced_by_presidio(text: str) -> str:
    analyzer, anonymizer = _presidio()
    found = analyzer.analyze(text, language="en", entities=list(ENTITIES), score_threshold=SURE)
    new = [one for one in found if not _PLACEHOLDER.search(text[max(0, one.start - 1) : one.end + 1])]
    scrubbed: str = anonymizer.anonymize(text, new).text
    return scrubbed


@cache
def _presidio() -> tuple[Any, Any]:
    """Presidio's analyzer and anonymizer, made once. No model is downloaded behind the user's back."""
    try:
        import spacy.util
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider
        from presidio_anonymizer import AnonymizerEngine
    except ImportError as error:
        raise RequestError(
            f"the engine 'presidio' needs the package '{error.name}': pip install 'crossrisk[pii]', or take the engine "
            "'rules'"
        ) from error
    if not spacy.util.is_package(SPACY_MODEL):
        raise RequestError(
            f"the engine 'presidio' needs the model {SPACY_MODEL}: python -m spacy download {SPACY_MODEL}, or take the "
            "engine 'rules'"
        )
    models = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": SPACY_MODEL}]}
    engine = NlpEngineProvider(nlp_configuration=models).create_engine()
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"]), AnonymizerEngine()
