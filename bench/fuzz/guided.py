"""A search for inputs that reach code which none has reached: libFuzzer, through atheris, in a process of its own."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench.fuzz.json_mutations import Tree
from bench.fuzz.tally import Tally, tally_of
from bench.fuzz.targets import target


def search(name: str, seconds: int) -> Tally:
    """Search for so many seconds. libFuzzer takes the whole process over, and ends it: hence another."""
    if find_spec("atheris") is None:
        raise click.ClickException("atheris is not installed: pip install -e '.[fuzz]' (Linux alone)")
    click.echo(f"{name}: {seconds} s", err=True)
    with TemporaryDirectory() as folder:
        _corpus(name, Path(folder))
        ran = subprocess.run(  # noqa: S603  # our own module
            [sys.executable, "-m", "bench.fuzz.target", name, str(seconds), folder],
            capture_output=True,
            text=True,
            timeout=seconds + 120,
        )
    # libFuzzer takes every end of its process for a fault: the exit code says nothing.
    said = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    if said:
        return tally_of(json.loads(said[-1]))
    return Tally(
        failures=[f"--atheris {seconds} --target {name}: the process died: {(ran.stdout + ran.stderr)[-900:]}"]
    )


def _corpus(name: str, folder: Path) -> None:
    """Give libFuzzer real inputs, each behind a byte that says whose headers it has, and the words in them."""
    (folder / "corpus").mkdir()
    words: set[bytes] = set()
    for number, seed in enumerate(target(name, floods=0.0, timed=False).hostile.seeds):
        (folder / "corpus" / str(number)).write_bytes(bytes([number % 256]) + seed.value)
        tree = Tree(seed.value)
        words |= {tree.pieces[key] for key in tree.keys}
    lines = ('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in sorted(words))
    (folder / "words").write_text("\n".join(lines))
