"""The commands and the worker let idle threads sleep, before torch reads how; a user's own choice is kept."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from repository import REPOSITORY

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
REPORT = """
import os, sys
def report():
    print([name for name in ("torch",) if name in sys.modules], *map(os.environ.get, sys.argv[1:]), flush=True)
"""
WORKER = f"""{REPORT}
import model_core.worker.server as server
server.main = report
from model_core.worker.__main__ import main
main()
"""
COMMAND = f"""{REPORT}
from model_core.__main__ import main
try:
    main(["--help"])
except SystemExit:
    report()
"""


@pytest.mark.parametrize("script", [WORKER, COMMAND], ids=["worker", "command"])
@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, "[] PASSIVE 0 0"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "[] ACTIVE None None"),
        ({"KMP_BLOCKTIME": "200"}, "[] None None 200"),
    ],
)
def test_idle_threads_sleep_unless_the_user_chose_otherwise(script: str, own: dict[str, str], expected: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in NAMES} | own
    run = subprocess.run(
        [sys.executable, "-c", script, *NAMES],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stdout.splitlines()[-1:] == [expected], run.stderr
