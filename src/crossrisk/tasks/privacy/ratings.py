"""Reading the rating that a reply gives: one number, or none."""

import re

_NUMBER = re.compile(r"(?<![\w.])[-−–]?\d+(?:\.\d+)?(?!\w)")


def rating_of(text: str, lowest: float, highest: float) -> float | str:
    """The one number that a reply gives, or why there is none: `no_rating`, `several_ratings`, `off_scale`.

    0 is a rating like any other. A number that is said twice is one; a range ("-50 to 0") or the scale repeated is
    several, since nobody can tell which is meant.
    """
    found = {float(re.sub("[−–]", "-", number)) for number in _NUMBER.findall(text)}
    if not found:
        return "no_rating"
    if len(found) > 1:
        return "several_ratings"
    (rating,) = found
    return rating + 0.0 if lowest <= rating <= highest else "off_scale"
