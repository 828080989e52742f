"""list_code.py: the modules that a stage depends on, by their content."""

import json
from hashlib import md5

from tests.stages.project import Project

OUT = "src/code.json"
COMMAND = ("stages/list_code.py", "--out", OUT)


def test_it_lists_modules_and_nothing_else(project: Project) -> None:
    package = project.folder / "src/cnn_from_scratch/nn"
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__/layers.cpython-311.pyc").write_bytes(b"bytecode")
    project.python(*COMMAND, "src/cnn_from_scratch/nn", "src/cnn_from_scratch/__init__.py")
    listed = json.loads((project.folder / OUT).read_text())
    modules = [*package.glob("*.py"), package.parent / "__init__.py"]
    assert listed == {
        path.relative_to(project.folder).as_posix(): md5(path.read_bytes()).hexdigest()
        for path in modules
    }
    assert list(listed) == sorted(listed)


def test_a_missing_folder_is_one_line_and_writes_nothing(project: Project) -> None:
    assert project.refusal(*COMMAND, "src/nowhere") == "src/nowhere: not found"
    assert not (project.folder / OUT).exists()
