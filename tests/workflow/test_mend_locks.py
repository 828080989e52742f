"""tools/mend_locks.py lets DVC work again after a kill."""

import json
import os
import sys

import pytest

from tests.tools.test_mend_locks import RWLOCK, notes
from tests.workflow.project import Project


@pytest.mark.release
def test_dvc_works_again(project: Project) -> None:
    for content in ("", json.dumps(notes(os.getpid()))):
        path = str(project.folder / "data/dataset.npz")
        (project.folder / RWLOCK).write_text(content.replace("/runs", path))
        os.utime(project.folder / RWLOCK, (1.0, 1.0))  # this process has the number since
        assert project.dvc("repro", "--force", "--single-item", "convert", check=False).returncode
        assert project.run(sys.executable, "tools/mend_locks.py").stdout.count("\n") == 1
        assert project.repro("--force", "--single-item", "convert") == {"convert"}
