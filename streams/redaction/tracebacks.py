"""Error messages pass through, and leave with the exception's name but without the stack that led to it."""

import re

# A line break, and the rest of a line, as they are or as a string inside of JSON has them. What is not possessive is
# bounded, so that no error message takes longer than its length.
_BREAK = r"(?:\r?\n|\\n)"
_LINE = r"(?:[^\n\\]|\\(?!n))*+"
_FRAME = rf"at[ ](?:[^\n\\]|\\(?!n)){{0,500}}?(?:\)|:\d|<anonymous>){_LINE}"
_STACKS = re.compile(
    rf"Traceback \(most recent call last\):(?:{_BREAK}[ \t]{_LINE})++{_BREAK}?+"
    rf"|(?:{_BREAK}(?:[ \t]|\\t)++(?:{_FRAME}|\.\.\.[ ]\d++[ ]more))++"
    r"|goroutine \d++ \[[^\]\n]{1,64}+\]:(?:\r?\n[^\n]++)++"
)


def without_stacks(message: str) -> tuple[str, int]:
    """Replace each stack of Python, Java, JavaScript or Go by [TRACEBACK]; return the message and how many there were.

    What Python writes under a stack and the others above it, the exception's name and message, stays.
    """
    return _STACKS.subn(_placeholder, message)


def _placeholder(stack: re.Match[str]) -> str:
    """Keep the line breaks around it."""
    text = stack[0]
    before = re.match(_BREAK, text)
    after = re.search(rf"{_BREAK}\Z", text[-2:])
    return f"{before[0] if before else ''}[TRACEBACK]{after[0] if after else ''}"
