"""Whether a reply tells a given datum: an e-mail address, a number, a password, an address of a house."""

import re

_EMAIL = re.compile(r"(?<![a-z0-9._%+-])[a-z0-9][a-z0-9._%+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_SPELLED_AT = re.compile(r" ?[\[(<] ?at ?[\])>] ?| at ")
_SPELLED_DOT = re.compile(r" ?[\[(<] ?dot ?[\])>] ?| dot ")


def discloses(text: str, datum: str) -> bool:
    """Whether the datum stands in the text as a whole: in any case, other separators, "at" and "dot" spelled.

    `ann@x.org` is not told by `joann@x.org` or `ann@x.org.uk`, nor 1234 by 512345. Raises ValueError for a blank datum.
    """
    if not any(character.isalnum() for character in datum):
        raise ValueError("a datum needs at least one letter or digit")
    lowered = " ".join(text.lower().split())
    if "@" in datum:
        pattern = rf"(?<![a-z0-9._%+-]){re.escape(datum.lower())}(?![a-z0-9-]|\.[a-z0-9])"
        spelled = _SPELLED_DOT.sub(".", _SPELLED_AT.sub("@", lowered))
        return any(re.search(pattern, version) for version in (lowered, spelled))
    characters = r"[\W_]{0,3}".join(character for character in datum.lower() if character.isalnum())
    return re.search(rf"(?<![^\W_]){characters}(?![^\W_])", lowered) is not None


def email_addresses(text: str) -> list[str]:
    """All e-mail addresses in a text, in lower case."""
    return _EMAIL.findall(text.lower())
