"""A URL that a person wrote goes in, and its parts come out."""

from urllib.parse import SplitResult, urlsplit

_NONE = SplitResult("", "", "", "", "")


def parts_of(url: str) -> SplitResult:
    """Split a URL; what cannot be one has no parts, so that whoever asks says what they take.

    `urlsplit` refuses some with a message that shows all of what stands between // and the next /, passwords too.
    """
    try:
        return urlsplit(url)
    except ValueError:
        return _NONE
