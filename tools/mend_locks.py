"""Mend what a killed DVC leaves, here and in the studies; `make` runs it before DVC.

DVC notes in .dvc/tmp/rwlock which files its processes read and write. A kill while it writes that
file leaves it empty or cut off, and then no DVC starts any more. A later kill leaves the notes of a
process that is gone, whose number another one may have by now. DVC's other locks go with it.

In .dvc/cache/runs DVC notes what each stage has made, each in a folder of its own. A kill before
the note is there leaves the folder empty, and then DVC fails wherever the stage is to be run.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

import msgspec


class Process(msgspec.Struct, frozen=True):
    """A DVC, and its command."""

    pid: int
    cmd: str


class Notes(msgspec.Struct):
    """Who writes and reads which file."""

    write: dict[str, Process] = {}
    read: dict[str, list[Process]] = {}

    def processes(self) -> set[Process]:
        """Return all that are noted."""
        return {*self.write.values(), *(process for some in self.read.values() for process in some)}

    def without(self, gone: set[Process]) -> "Notes":
        """Return the notes of the others."""
        read = {file: [p for p in some if p not in gone] for file, some in self.read.items()}
        return Notes(
            write={file: process for file, process in self.write.items() if process not in gone},
            read={file: some for file, some in read.items() if some},
        )


def mend(file: Path) -> Iterator[str]:
    """Mend an rwlock file, and yield a line about each thing mended; what is in use stays."""
    if not file.exists() or ((notes := _read(file)) and not notes.processes()):
        return
    from zc.lockfile import LockError, LockFile  # only where there may be something to mend

    try:
        lock = LockFile(str(file.with_name("rwlock.lock")))  # DVC has it while it writes the file
    except LockError:
        return
    try:
        yield from _mend(file)
    finally:
        lock.close()


def _mend(file: Path) -> Iterator[str]:
    notes = _read(file)
    if notes is None:
        if at_work := _at_work():
            yield f"{file}: damaged; left alone, as DVC is at work here: process {at_work}"
            return
        file.write_bytes(b"{}")
        yield f"{file}: damaged, as DVC was killed while it wrote it; mended"
    elif gone := {p for p in notes.processes() if _is_gone(p.pid, file.stat().st_mtime)}:
        file.write_bytes(msgspec.json.encode(notes.without(gone)))
        for process in sorted(gone, key=lambda process: process.pid):
            yield f"{file}: process {process.pid} is gone ({process.cmd}); its locks are removed"


def _read(file: Path) -> Notes | None:
    """Return the notes, or None if the file is damaged."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Notes)
    except msgspec.DecodeError:
        return None


def _is_gone(pid: int, noted: float) -> bool:
    """Whether a process that was noted at a time is gone, though another may have its number."""
    import psutil

    try:
        return psutil.Process(pid).create_time() > noted
    except psutil.AccessDenied:
        return False
    except (psutil.NoSuchProcess, ValueError):  # ValueError: no process can have that number
        return True


def mend_run_cache(folder: Path) -> Iterator[str]:
    """Remove notes that were begun, and yield a line about each; none while DVC is at work."""
    begun = [note for note in folder.glob("*/*") if _is_begun(note)]
    if not begun or _at_work():
        return
    for note in begun:
        for file in note.glob("*.tmp"):
            file.unlink()
        if not any(note.iterdir()):
            note.rmdir()
        yield f"{note}: begun by a DVC that was killed; removed"


def _is_begun(note: Path) -> bool:
    suffixes = [file.suffix for file in note.iterdir()]
    return not suffixes or ".tmp" in suffixes


def _at_work() -> int | None:
    """Return a process that is DVC, or a build, and works here or below, if there is one."""
    import psutil

    for process in psutil.process_iter(["cmdline", "cwd"]):
        names = {Path(argument).name for argument in (process.info["cmdline"] or [])[:3]}
        here = Path(process.info["cwd"] or "/").is_relative_to(Path.cwd())
        # dvc, python .venv/bin/dvc, python -m dvc, or python tools/build.py
        if here and names & {"dvc", "dvc.exe", "build.py"}:
            pid: int = process.pid
            return pid
    return None


def main(projects: Iterable[Path]) -> None:
    """Mend the locks of every project, and the run cache, which all of them share."""
    for project in projects:
        for line in mend(project / ".dvc" / "tmp" / "rwlock"):
            print(line)
    for line in mend_run_cache(Path(".dvc/cache/runs")):
        print(line)


if __name__ == "__main__":
    main([Path(), *(file.parent for file in sorted(Path("studies").glob("*/dvc.yaml")))])
