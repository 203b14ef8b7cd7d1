"""The process that libFuzzer takes over: each input that it makes goes through the checks, and the tally to stdout."""

import base64
import json
import os
import sys
import time

import atheris

WATCHED = ["streams.gateways", "streams.measure", "streams.commands", "streams.forgetting", "streams.replay"]
WATCHED += ["sinks.review", "detectors.packed"]
with atheris.instrument_imports(include=WATCHED):
    from bench.fuzz.seeds import Seed
    from bench.fuzz.targets import target

LONGEST = 8192  # bytes of an input
MOST_FAILURES = 20


def main(name: str, seconds: float, folder: str) -> None:
    """Search until the time is over; never returns."""
    fed = target(name, floods=0.0, timed=False)  # what is traced is slow
    known = fed.hostile.seeds
    until = time.monotonic() + seconds

    def one(data: bytes) -> None:
        headers = known[data[0] % len(known)].headers if data else ()
        wrong = fed.wrong(Seed(data[1:], headers), thoroughly=True)
        if wrong is not None:
            record = base64.b64encode(data[1:]).decode()
            fed.tally.failures.append(f"{name}: {wrong}; headers {headers}; input in base64: {record}")
        if time.monotonic() > until or len(fed.tally.failures) == MOST_FAILURES:
            print(json.dumps(fed.tally.said()), flush=True)
            os._exit(0)  # libFuzzer would go on

    options = (f"-max_len={LONGEST}", f"-dict={folder}/words", f"-artifact_prefix={folder}/", "-rss_limit_mb=0")
    atheris.Setup([sys.argv[0], *options, f"{folder}/corpus"], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
