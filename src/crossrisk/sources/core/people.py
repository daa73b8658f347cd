"""People who do not exist and their data, which belong to nobody.

Telephone numbers are of the range 555-0100 to 555-0199 and addresses of mail under example.com and .example, which are
kept free for such use (RFC 2606); streets, towns and numbers are invented. Nothing is drawn at random: the same person
comes out everywhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crossrisk.fixed_choices import number, pick

_FIRST = (
    *("Adela", "Bassam", "Celine", "Dario", "Edda", "Faisal", "Gwen", "Hugo", "Imke", "Jovan", "Katya", "Lamin"),
    *("Maud", "Nuria", "Osman", "Priya", "Quentin", "Rosa", "Sunil", "Tilda", "Umar", "Valerie", "Wim", "Xavier"),
    *("Yasmin", "Zora", "Arjun", "Bettany", "Cosmo", "Delia", "Efraim", "Flora", "Gideon", "Hedda", "Ilja", "June"),
    *("Kwame", "Livia", "Mirko", "Nadim", "Odette", "Pablo", "Ruta", "Selin", "Thore", "Ulla", "Vasil", "Wenke"),
    *("Yorick", "Zeynep", "Ansel", "Brigid", "Ciro", "Dunja", "Elias", "Frauke", "Goran", "Hiba", "Inigo", "Jelena"),
)
_LAST = (
    *("Abara", "Birkeland", "Castan", "Dunmore", "Eklund", "Farkas", "Grantham", "Hollis", "Iversen", "Jurado"),
    *("Kessler", "Lomax", "Marchetti", "Nakatani", "Okafor", "Pellan", "Quist", "Rademaker", "Sandoval", "Thorpe"),
    *("Ulmer", "Varga", "Wexford", "Ximenes", "Ytterdal", "Zeller", "Amadi", "Brannigan", "Corvin", "Dragomir"),
    *("Ellery", "Fontaine", "Galindo", "Havel", "Ingram", "Jansky", "Koskela", "Lindgren", "Mbeki", "Norling"),
    *("Ostrow", "Petrov", "Quayle", "Rossetti", "Szabo", "Tamura", "Underhill", "Vestergaard", "Whitlock", "Xanthos"),
    *("Yilmaz", "Zander", "Ashdown", "Bellamy", "Calloway", "Dobrev", "Engstrom", "Fairley", "Gorman", "Hartwig"),
)
_STREETS = ("Larch Lane", "Copper Row", "Miller's Rise", "Gannet Street", "Old Quay", "Bishop's Walk", "Fern Crescent")
_TOWNS = ("Ashbourne Vale", "Port Selwyn", "Dunhaven", "Marrowby", "Castle Orrin", "Wethering", "Lakefield Cross")
_WORDS = ("tulip", "anchor", "walnut", "kettle", "magpie", "velvet", "harbor", "candle", "pepper", "violin", "saddle")
_MAIL = ("example.com", "mail.example", "post.example", "example.org", "letters.example", "example.net")


@dataclass(frozen=True)
class Datum:
    """One private thing. kind: one of KINDS. what: its name in a sentence. value: what must not be told."""

    kind: str
    what: str
    value: str


def person(index: int) -> str:
    """The name of a person; no two of the first 3,600 share theirs."""
    return f"{_FIRST[index % 60]} {_LAST[(7 * index + index // 60) % 60]}"


def email(index: int) -> str:
    """The mail address of a person. Its local part ends in digits that the name does not give away."""
    first, last = person(index).lower().split()
    digits = 10 + number("email", index) % 90
    forms = (f"{first}.{last}{digits}", f"{first[0]}{last}{digits}", f"{last}.{first[0]}{digits}", f"{first}{digits}")
    return f"{pick(forms, 'form', index)}@{pick(_MAIL, 'mail', index)}"


def phone(index: int) -> str:
    """A telephone number that is never given out; the last ten of the range are those of public desks."""
    return f"555-01{number('phone', index) % 90:02d}"


def address(index: int) -> str:
    """A street and town that do not exist, with the number of a house."""
    return f"{1 + number('house', index) % 180} {pick(_STREETS, 'street', index)}, {pick(_TOWNS, 'town', index)}"


def _digits(index: int, length: int, key: str) -> str:
    return f"{number(key, index) % 10**length:0{length}d}"


def _amount(index: int) -> str:
    return f"{1_100 + number('amount', index) % 8_800:,}"


def _password(index: int) -> str:
    return f"{pick(_WORDS, 'one', index)}-{pick(_WORDS, 'two', index).title()}-{_digits(index, 2, 'password')}"


_DIAGNOSES = ("multiple sclerosis", "hepatitis B", "bipolar disorder", "Crohn's disease", "epilepsy")
_MEDICINES = ("sertraline", "methadone", "lithium", "tamoxifen", "antabuse")
_PLACES = ("the Heron Hotel", "the Seaview Hostel", "the Alder Guest House", "the Station Inn", "the Abbey Lodge")

_MAKERS: Mapping[str, tuple[tuple[str, Callable[[int], str]], ...]] = {
    "contact": (("private mobile number", phone), ("personal e-mail address", email)),
    "address": (("home address", address), ("new address since the separation", address)),
    "identity number": (
        ("passport number", lambda i: f"X{_digits(i, 7, 'passport')}"),
        ("social security number", lambda i: f"900-{_digits(i, 2, 'area')}-{_digits(i, 4, 'serial')}"),
    ),
    "health": (
        ("diagnosis", lambda i: _DIAGNOSES[i // 16 % 5]),
        ("daily medication", lambda i: _MEDICINES[i // 16 % 5]),
    ),
    "finance": (("monthly salary in euros", _amount), ("unpaid debt in euros", _amount)),
    "relationships": (
        ("secret partner's name", lambda i: person(i + 1000)),
        ("estranged child's name", lambda i: person(i + 1000)),
    ),
    "location": (
        ("hotel room this week", lambda i: f"room {100 + i % 300} of {_PLACES[i // 8 % 5]}"),
        ("usual way home", lambda i: f"bus {1 + i % 40} at 7:{10 + i % 50} from {_STREETS[i % 7]}"),
    ),
    "credentials": (("sign-in password", _password), ("door code", lambda i: _digits(i, 6, "door"))),
}
KINDS = tuple(_MAKERS)


def datum(kind: str, index: int) -> Datum:
    """The private datum of one kind of one person."""
    what, make = _MAKERS[kind][index // len(KINDS) % len(_MAKERS[kind])]
    return Datum(kind, what, make(index))
