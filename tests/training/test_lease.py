"""At most one process holds a lease, and a dead one's is taken over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from repro.runs import lease
from repro.runs.lease import Lease, LeaseTaken


def test_a_held_lease_is_refused_and_says_who_holds_it(tmp_path):
    path = tmp_path / "lease.json"
    with Lease(path):
        assert lease.is_held(path)
        with pytest.raises(LeaseTaken, match=f"process {os.getpid()}"), Lease(path):
            pass
    assert not path.exists()


def test_a_dead_owners_lease_is_taken_over(tmp_path):
    path = tmp_path / "lease.json"
    code = (
        "import os, sys; from pathlib import Path; from repro.runs.lease import Lease\n"
        "Lease(Path(sys.argv[1])).__enter__(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert path.exists()
    assert not lease.is_held(path)
    with Lease(path):
        assert lease.is_held(path)


def test_a_silent_owner_on_another_machine_loses_its_lease(tmp_path):
    path = tmp_path / "lease.json"
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": "1", "token": "t"}))
    assert lease.is_held(path)
    long_ago = path.stat().st_mtime - lease.STALE_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    with Lease(path) as mine:
        assert mine.held()


def test_a_reused_process_id_is_not_the_owner(tmp_path):
    path = tmp_path / "lease.json"
    with Lease(path):
        owner = json.loads(path.read_text())
    path.write_text(json.dumps({**owner, "started": "1"}))
    assert not lease.is_held(path)


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="only Linux has namespaces of process ids")
def test_an_owner_in_another_container_of_the_same_name_is_believed_while_its_heart_beats(tmp_path):
    """Its process id means nothing here, so that no such process is there says nothing of it."""
    path = tmp_path / "lease.json"
    with Lease(path):
        owner = json.loads(path.read_text())
    path.write_text(json.dumps({**owner, "pid": 2**22 + 1, "pid_namespace": "pid:[1]"}))
    assert lease.is_held(path)
    with pytest.raises(LeaseTaken), Lease(path):
        pass
    long_ago = path.stat().st_mtime - lease.STALE_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    assert not lease.is_held(path)


def test_a_lease_of_an_older_version_is_taken_over_when_its_owner_is_dead(tmp_path):
    path = tmp_path / "lease.json"
    with Lease(path):
        owner = json.loads(path.read_text())
    del owner["pid_namespace"]
    path.write_text(json.dumps({**owner, "pid": 2**22 + 1}))
    assert not lease.is_held(path)


def test_of_many_claimants_of_a_stale_lease_one_wins(tmp_path):
    path = tmp_path / "lease.json"
    for _ in range(20):
        path.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": "1", "token": "t"}))
        os.utime(path, (0, 0))
        claims = [Lease(path) for _ in range(8)]

        def claim(one: Lease) -> Lease | None:
            try:
                return one.__enter__()
            except LeaseTaken:
                return None

        with ThreadPoolExecutor(8) as pool:
            winners = [one for one in pool.map(claim, claims) if one is not None]
        assert len(winners) == 1
        winners[0].__exit__(None, None, None)
