"""``python -m local.azure NAME --seed N --port P``: serves a world until interrupted, to play with."""

import argparse
import shlex
import threading
from datetime import UTC, datetime

from local.azure.local_azure import LocalAzure
from local.world import build


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m local.azure", description="Serves a simulated world as Azure would."
    )
    parser.add_argument("name", help="the world to build")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same world (default 1)")
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help="TLS port; the next one is plain HTTP for identity and control (default: any)",
    )
    given = parser.parse_args()
    with LocalAzure(build(given.name, given.seed, datetime.now(UTC)), port=given.port) as azure:
        for name, value in azure.environ.items():
            print(f"export {name}={shlex.quote(value)}")
        print("# serving until Ctrl-C", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("# stopped")


if __name__ == "__main__":
    main()
