"""What the fork server of `repro.scheduling.run_process` imports once, for all the runs that it forks.

It computes nothing and starts no thread: a fork takes along one thread alone, and of a device that was touched
nothing. It ignores SIGTERM and Ctrl-C: runs die with their server, so it must outlive their last checkpoints.
"""

import signal

for _asked in (signal.SIGTERM, signal.SIGINT):  # first of all: the imports take two seconds
    signal.signal(_asked, signal.SIG_IGN)

import repro.data.packed  # noqa: E402
import repro.scheduling.progress_file  # noqa: E402
import repro.training.loop  # noqa: E402, F401
