"""`python -m tests.chaos.history --seed N --minutes M`: one run, one verdict, one exit code."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from shared.runtime import logs
from tests.chaos.history.run import play


def main() -> int:
    """The words of the command line."""
    words = argparse.ArgumentParser(prog="python -m tests.chaos.history", description=__doc__)
    words.add_argument("--seed", type=int, required=True)
    words.add_argument("--minutes", type=float, default=2.0)
    words.add_argument("--rate", type=float, default=60.0, help="events a second, about")
    words.add_argument("--blows", help="a fixed list of blows, comma-separated")
    words.add_argument("--keep", action="store_true", help="leave journals and logs of a failure")
    asked = words.parse_args()
    # Ended from outside it takes its mount and its processes with it, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logs.configure("ERROR")  # of the second reader, which runs in this process
    verdict = asyncio.run(
        play(
            asked.seed,
            asked.minutes * 60,
            rate=asked.rate,
            say=lambda line: print(line, flush=True),
            blows=asked.blows.split(",") if asked.blows else None,
            keep=asked.keep,
        )
    )
    for end in verdict.ends:
        print(f"          {end}, and was started again")
    for promise, said in verdict.complaints.items():
        for line in said:
            print(f"  {promise}: {line}")
    print(verdict, flush=True)
    return 0 if verdict.is_passed else 1


if __name__ == "__main__":
    sys.exit(main())
