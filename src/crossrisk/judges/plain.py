"""Text as the rules read it: lower case, straight quotation marks, no marks of emphasis, single blanks."""

_STRAIGHT = {ord("’"): "'", ord("‘"): "'", ord("“"): '"', ord("”"): '"'} | dict.fromkeys(map(ord, "*_#"))


def plain(text: str) -> str:
    """The text in plain form, line by line; blank lines are left out."""
    lines = (" ".join(line.split()) for line in text.translate(_STRAIGHT).lower().splitlines())
    return "\n".join(line for line in lines if line)
