"""What the fork server of `repro.scheduling.run_process` imports once, for all the runs that it forks.

It computes nothing and starts no thread: a fork takes along one thread alone, and of a device that was touched
nothing. It lets SIGTERM pass: where a whole group of processes is asked to end, the runs write their checkpoints
first, and they die with it. It ends when the process that started it does.
"""

import signal

import repro.data.packed
import repro.scheduling.progress_file
import repro.training.loop  # noqa: F401

signal.signal(signal.SIGTERM, signal.SIG_IGN)
