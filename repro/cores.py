"""The processor: its name, and how many cores a container, a scheduler or `taskset` leaves of it to this process."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PROC = Path("/proc/self")


def processor_name() -> str:
    """The processor's name as its maker gives it, where the system gives it; else its kind, for instance x86_64."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def usable_cores(proc: Path | None = None) -> int:
    """Cores of this process's affinity, or fewer where a CPU quota gives less time than these have; at least 1.

    Docker's `--cpus`, Kubernetes' limits and SLURM's cgroups give a large host's container a few cores' time: more
    processes than that only take turns, and each holds its memory. A quota of 1.5 cores counts as 2.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *(math.ceil(quota) for quota in _quotas(proc or PROC))]))


def _quotas(proc: Path) -> Iterator[float]:
    """Every CPU quota that holds for this process, in cores: of its control group and of all that hold that one."""
    for folder in _groups(proc):
        yield from _quota_of(folder)


def _quota_of(folder: Path) -> Iterator[float]:
    """The quota that one control group sets: in `cpu.max` by version 2 of the kernel's interface, else by version 1."""
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        if quota != "max" and int(quota) > 0:
            yield int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return  # no quota there, or none that can be read


def _groups(proc: Path) -> Iterator[Path]:
    """The folders of this process's control groups of processor time, from its own up to what is mounted."""
    try:
        own = [line.split(":", 2) for line in (proc / "cgroup").read_text().splitlines()]
        mounts = [line.split(" ") for line in (proc / "mountinfo").read_text().splitlines()]
    except (OSError, UnicodeDecodeError):
        return  # not Linux
    for controllers, path in ((parts[1].split(","), parts[2]) for parts in own if len(parts) == 3):
        for mount in mounts:
            root, point, kind, options = mount[3], Path(mount[4]), mount[mount.index("-") + 1], mount[-1].split(",")
            if (kind == "cgroup2" and controllers == [""]) or (
                kind == "cgroup" and "cpu" in controllers and "cpu" in options
            ):
                # A container may see the host's path of its group, of which only the end is mounted, or nothing of it.
                inside = PurePosixPath(path)
                seen = inside.is_relative_to(root) and ".." not in inside.parts
                below = inside.relative_to(root) if seen else PurePosixPath()
                yield point / below
                yield from (point / parent for parent in below.parents)
