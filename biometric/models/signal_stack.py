"""The calling thread's alternate signal stack, which OpenVINO's CPU plugin replaces and may leave dangling.

Each CPU plugin that OpenVINO makes (one for each `Core` that compiles a model) gives the thread a signal stack of its
own, and frees it when the plugin is destroyed. It is given back properly only where plugins go in the reverse order of
their making and on the thread that made them; else the thread keeps the address of freed memory, and the next signal
(SIGTERM of a service manager, SIGCHLD of a worker process) ends the process with a segmentation fault.
Seen with OpenVINO 2026.4.1; its `SigAltStackSetup` (src/plugins/intel_cpu/src/plugin.cpp) explains why it does this:
with AMX a signal's frame does not fit into an old stack. Python's own stack is made for that (AT_MINSIGSTKSZ).
"""

import contextlib
import ctypes
import sys
from collections.abc import Iterator


class _Stack(ctypes.Structure):
    """stack_t of Linux, sigaltstack(2)."""

    _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextlib.contextmanager
def signal_stack_kept() -> Iterator[None]:
    """Give the thread the signal stack again that it had before the block, whatever the block has set.

    For blocks in which OpenVINO may compile a model. Only Linux has the fault, elsewhere nothing is done.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    libc = ctypes.CDLL(None)
    former = _Stack()
    known = libc.sigaltstack(None, ctypes.byref(former)) == 0
    try:
        yield
    finally:
        if known:
            libc.sigaltstack(ctypes.byref(former), None)
