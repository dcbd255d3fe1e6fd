"""What the fork server of `repro.scheduling.run_process` imports once, for all the runs that it forks.

It computes nothing and starts no thread: a fork takes along one thread alone, and of a device that was touched
nothing. It ignores SIGTERM and Ctrl-C: runs die with their server, so it must outlive their last checkpoints.
"""

import signal

from repro.processes import ASKED_TO_END

for _number in ASKED_TO_END:  # first of all: the imports take two seconds
    signal.signal(_number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKED_TO_END)

import repro.data.packed  # noqa: E402
import repro.scheduling.progress_file  # noqa: E402
import repro.training.loop  # noqa: E402, F401
