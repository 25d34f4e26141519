"""Slows down who guesses passwords: some failures lock an account for an address, more lock either for a while."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

logger = logging.getLogger(__name__)

LOCKED_SECONDS = 900.0
"""How long a lock lasts, and how long failures count."""
FAILURES_OF_BOTH = 5
"""Failures from one address for one account after which that address may not sign in to it."""
FAILURES_OF_ADDRESS = 20
"""Failures from one address for any accounts."""
FAILURES_OF_ACCOUNT = 50
"""Failures for one account from any addresses. Many, because whoever causes them locks somebody else out."""
REMEMBERED = 20_000


class Throttle:
    """Counts failures; safe for several threads.

    Args:
        clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def seconds_left(self, account: str, address: str) -> float:
        """Return how long an address may not try to sign in to an account; 0: it may."""
        now = self._clock()
        left = [0.0]
        with self._lock:
            for key, most in _limits(account, address):
                times = self._failures.get(key, [])
                if len(times) >= most:
                    left.append(times[-most] + LOCKED_SECONDS - now)
        return max(left)

    def failed(self, account: str, address: str) -> None:
        """Note that a password was wrong; a line in the log says so, and when something is locked."""
        now = self._clock()
        logger.warning("sign-in failed: account %r from %s", account[:100], address)
        with self._lock:
            for key, most in _limits(account, address):
                times = [time for time in self._failures.pop(key, []) if now - time < LOCKED_SECONDS]
                self._failures[key] = [*times[-most:], now]
                if len(self._failures[key]) == most:
                    whose = {"both": f"account {account[:100]!r} for {address}", "address": address}
                    what = whose.get(key[0], f"account {account[:100]!r}")
                    logger.warning("sign-in locked for %.0f minutes: %s", LOCKED_SECONDS / 60, what)
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the failures of an address for an account, whose password it knows."""
        with self._lock:
            self._failures.pop(_limits(account, address)[0][0], None)


def _limits(account: str, address: str) -> list[tuple[tuple[str, str], int]]:
    account = account.casefold()[:100]
    return [
        (("both", f"{address}\n{account}"), FAILURES_OF_BOTH),
        (("address", address), FAILURES_OF_ADDRESS),
        (("account", account), FAILURES_OF_ACCOUNT),
    ]
