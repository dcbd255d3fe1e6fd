"""`python -m repro` is `repro`."""

import sys

from repro.errors import missing_module

try:
    from repro.cli import main
except ModuleNotFoundError as error:
    print(f"error: {missing_module(error)}", file=sys.stderr)
    sys.exit(2)
except KeyboardInterrupt:
    print("stopped before anything was done", file=sys.stderr)
    sys.exit(130)

main()
