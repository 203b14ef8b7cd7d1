"""The process that libFuzzer takes over: each record that it makes goes through the checks, and the tally to stdout."""

import base64
import json
import os
import sys
import time

import atheris

with atheris.instrument_imports(include=["streams.gateways"]):
    from bench.fuzz.checks import Checker
    from bench.fuzz.seeds import Seed, seeds

LONGEST = 8192  # bytes of a record
MOST_FAILURES = 20


def main(form: str, seconds: float, folder: str) -> None:
    """Search until the time is over; never returns."""
    known, checker = seeds(form), Checker(form, timed=False)  # what is traced is slow
    until = time.monotonic() + seconds

    def one(data: bytes) -> None:
        headers = known[data[0] % len(known)].headers if data else ()
        wrong = checker.wrong(Seed(data[1:], headers), thoroughly=True)
        if wrong is not None:
            record = base64.b64encode(data[1:]).decode()
            checker.tally.failures.append(f"{form}: {wrong}; headers {headers}; record in base64: {record}")
        if time.monotonic() > until or len(checker.tally.failures) == MOST_FAILURES:
            print(json.dumps(vars(checker.tally)), flush=True)
            os._exit(0)  # libFuzzer would go on

    options = (f"-max_len={LONGEST}", f"-dict={folder}/words", f"-artifact_prefix={folder}/", "-rss_limit_mb=0")
    atheris.Setup([sys.argv[0], *options, f"{folder}/corpus"], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
