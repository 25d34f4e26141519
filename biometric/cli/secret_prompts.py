"""Asks for passwords and passphrases on the terminal."""

import getpass

from biometric.cli import streams
from biometric.errors import InvalidInput


def ask_secret(prompt: str) -> str:
    """Return what is typed without being shown.

    Raises:
        InvalidInput: the input ended instead (Ctrl+D).
        KeyboardInterrupt: Ctrl+C; what is said next begins a line of its own.
    """
    try:
        return getpass.getpass(prompt)
    except EOFError as error:
        streams.say("")
        raise InvalidInput("The input ended before anything was typed. Nothing was done.") from error
    except KeyboardInterrupt:
        streams.say("")
        raise
