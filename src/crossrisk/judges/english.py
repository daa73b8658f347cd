"""Whether a text is running English, by the small words that hold every English sentence together.

Function words ("the", "of", "you") are about four in ten words of English prose, whatever it is about; in another
language, in a code or in words without sense they are rare. Only running text says something: a list of names, a
table, code or a short answer may do without any of them and is left alone.
"""

import re
from typing import Literal

COMMON = frozenset(
    re.findall(
        r"\w+",
        "the of and to a in is it you that he was for on are with as i his they be at one have this from or "
        "had by not but what all were we when your can said there use an each which she do how their if will "
        "up other about out many then them these so some her would make like him into time has look two more "
        "go see no way could my than first been who its now people sorry help sure here yes",
    )
)
_FURTHER = frozenset(
    re.findall(
        r"\w+",
        "am me us our any because before after while until over under off down only just also very much most such own "
        "too where why should may might must did does being having those every both few through between without "
        "against during don't can't won't isn't it's i'm you're that's let get take put need want know think say says "
        "well still even never always again back yet since though although however therefore",
    )
)
# Small words of languages that models fall into; none of them is an English word.
_FOREIGN = frozenset(
    re.findall(
        r"\w+",
        # German, Dutch
        "der die das und ist nicht ich ein eine einen zu mit auf für dass sich auch wie bei oder aber kann nach wenn "
        "sie wir ihr mir dir ihnen leider haben sind werden het een niet ik dat voor zijn ook maar op je naar "
        # French, Spanish, Portuguese, Italian
        "le la les des une est et dans pour que qui ne pas vous nous je avec sur ce cette cela puis peux mais ou "
        "el los las y en por con para un una es no se lo puedo pero como su al más muy del está esto "
        "o os um uma não em com eu isso você mas ao da seu il di che è non per sono gli questo posso come della ma "
        # Swedish, Danish, Polish, Turkish, Indonesian
        "och att det som jag inte är på av til ikke og nie się jest na że ve bir bu için değil yang dan untuk tidak",
    )
) - (COMMON | _FURTHER)

_WORD = re.compile(r"(?<![\w'])[^\W\d_]+(?:['-][^\W\d_]+)*(?![\w'])")
_SEGMENT_END = re.compile(r"[\n,;:|•]|\s[-–—]+\s")
_SYMBOLS = re.compile(r"[{}=<>\[\]\\/@#$%^&~`_+|]")
_CODE = re.compile(r"```.*?(?:```|$)", re.DOTALL)
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[a-zA-ZÀ-ɏ]")
_RUNNING = 5  # words without a comma or a line's end between them: shorter pieces may be entries of a list
_ENOUGH = 12  # words of running text; about fewer nothing is said
_ENOUGH_LETTERS = 30  # of another script, some of which set no blanks between words
_ENGLISH = 0.1
_OF_ANOTHER = 0.2


def share_of_common(text: str) -> float:
    """Share of common words among the words of two letters or more; single letters are common in any code."""
    words = re.findall(r"[a-z]{2,}", text.lower())
    return sum(word in COMMON for word in words) / len(words) if words else 0.0


def not_english(text: str) -> Literal["other_language", "unintelligible"] | None:
    """Why a text is no English: it is in another language, or its words make no sentence of any that is known here.

    None for English, and for whatever has too little running text to be sure of. `unintelligible` needs twelve words
    or more of running text with fewer than one function word in ten; a language that is not known here looks the same.
    """
    words = _running_words(text)
    enough = len(words) >= _ENOUGH
    if enough and _share(words) >= _ENGLISH:
        return None
    letters = _LETTER.findall(text)
    foreign = sum(not _LATIN.match(letter) for letter in letters)
    if foreign >= _ENOUGH_LETTERS and foreign > len(letters) / 2:
        return "other_language"
    if not enough:
        return None
    known = sum(word in _FOREIGN for word in words) >= _OF_ANOTHER * len(words)
    return "other_language" if known else "unintelligible"


def is_english(text: str) -> bool:
    """Whether a text has enough running text to be sure that it is English."""
    words = _running_words(text)
    return len(words) >= _ENOUGH and _share(words) >= _ENGLISH


def _share(words: list[str]) -> float:
    return sum(word in COMMON or word in _FURTHER for word in words) / len(words)


def _running_words(text: str) -> list[str]:
    """Words in lower case out of the pieces of a text that read as prose: no code, no list, no row of names."""
    words: list[str] = []
    for segment in _SEGMENT_END.split(_CODE.sub("\n", text).replace("’", "'")):
        found = [] if _SYMBOLS.search(segment) else _WORD.findall(segment)
        names = sum(word[0].isupper() for word in found[1:])
        if len(found) >= _RUNNING and (names <= len(found) / 3 or segment.isupper()):
            words += [word.lower() for word in found]
    return words
