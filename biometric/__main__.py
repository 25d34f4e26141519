"""`python -m biometric`."""

import sys

from biometric.cli import main

if __name__ == "__main__":
    sys.exit(main())
