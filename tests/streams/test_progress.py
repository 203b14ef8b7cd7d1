"""Progress: a bar for a person, else a plain line every few seconds."""

from io import StringIO

from streams.progress import progress


class Terminal(StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_plain_line_every_few_seconds() -> None:
    out, now = StringIO(), [0.0]
    with progress("Replaying", 200, out=out, clock=lambda: now[0]) as show:
        for second in range(13):
            now[0] = float(second)
            show(second * 10, second * 1000)
    assert out.getvalue().splitlines() == [
        "Replaying: 25%, 5,000 records, 1,000 a second",
        "Replaying: 50%, 10,000 records, 1,000 a second",
    ]


def test_a_person_gets_a_bar() -> None:
    out, now = Terminal(), [0.0]
    with progress("Simulating", 100, out=out, clock=lambda: now[0]) as show:
        now[0] = 2.0
        show(50, 3000)
    assert "Simulating" in out.getvalue()
    assert "50%" in out.getvalue()
    assert "3,000 records, 1,500 a second" in out.getvalue()
