"""`python -m sweep`: see `python -m sweep --help`."""

import sys

from sweep.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
