"""SQL statements on their way to the local engine: what each depends on, where an INSERT ends and its data begin."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# What may stand before a statement; possessive, so that a page of comments is read once.
_LEAD = rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*+"
# The part of an INSERT before its data, as ClickHouse's grammar has it: table, columns, SETTINGS, FORMAT, line end.
_NAME = rb"(?:\w+|`[^`]*`|\"[^\"]*\")"
_COLUMNS = rb"(?:\((?:`[^`]*`|\"[^\"]*\"|[^()`\"])*\))"
_SETTING = rb"\w+\s*=\s*(?:'(?:[^'\\]|\\.)*'|[\w.+-]+)"
_INSERT_WITH_DATA = re.compile(
    _LEAD + rb"(?P<into>INSERT\s+INTO\s+(?:TABLE\s+)?" + _NAME + rb"(?:\." + _NAME + rb")?\s*" + _COLUMNS + rb"?)"
    rb"\s*(?P<settings>SETTINGS\s+" + _SETTING + rb"(?:\s*,\s*" + _SETTING + rb")*)?"
    rb"\s*FORMAT\s+(?P<format>\w+)[ \t\f\r;]*\n?(?P<data>.*)",
    re.IGNORECASE | re.DOTALL,
)
_TRAILING_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)[\s;]*$", re.IGNORECASE)
_ANSWERS_WITH_ROWS = re.compile(
    _LEAD + rb"[\s(]*(SELECT|WITH|SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN|CHECK)\b", re.IGNORECASE | re.DOTALL
)
_NEEDS_A_SESSION = re.compile(_LEAD + rb"(SET|USE|BEGIN|CREATE\s+TEMPORARY)\b", re.IGNORECASE | re.DOTALL)
# Each block of these is complete in itself, so blocks in a row are one answer; the others have a head or a foot.
BLOCKWISE_FORMATS = frozenset({b"Native", b"TabSeparated", b"TSV", b"CSV", b"RowBinary", b"JSONEachRow"})


@dataclass(frozen=True)
class Insert:
    """An INSERT whose data follow it in a format of their own."""

    into: bytes
    settings: bytes
    format: bytes
    data: bytes

    def from_file(self, path: str) -> bytes:
        """The statement that inserts the same data from a file."""
        return b" ".join((self.into, f"FROM INFILE '{path}'".encode(), self.settings, b"FORMAT", self.format))


@dataclass(frozen=True)
class Statement:
    """One statement and all it depends on; `parameters` are in ClickHouse's escaped form, as HTTP carries them."""

    text: bytes
    database: str = "default"
    default_format: str = "TabSeparated"
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False

    @property
    def insert(self) -> Insert | None:
        """The statement as an INSERT of data in a format of their own; None for every other kind."""
        found = _INSERT_WITH_DATA.match(self.text)
        if not found:
            return None
        return Insert(found["into"], found["settings"] or b"", found["format"], found["data"])

    @property
    def answers_with_rows(self) -> bool:
        return bool(_ANSWERS_WITH_ROWS.match(self.text))

    @property
    def needs_a_session(self) -> bool:
        """Whether its only effect would be on statements that come after it in the same session."""
        return bool(_NEEDS_A_SESSION.match(self.text))

    @property
    def format(self) -> bytes:
        """The output format: the statement's own FORMAT clause, else the default."""
        clause = _TRAILING_FORMAT.search(self.text)
        return clause[1] if clause else self.default_format.encode()

    @property
    def may_stream(self) -> bool:
        return self.answers_with_rows and self.format in BLOCKWISE_FORMATS
