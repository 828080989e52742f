"""Hash DVC's cache and all it has built; remove what is damaged, so that it is made again.

`make check-cache` runs it, for this project and its studies. DVC trusts an object of its cache that
is read-only, and a file of the workspace that has the size and time that it remembers; it hashes
neither again. So a byte that has changed there would be restored, or used, in silence.
"""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

from dvc.repo import Repo

from dvc_errors import one_line

OBJECT = re.compile(r"([0-9a-f]{2})/([0-9a-f]{30})(\.dir)?")


def rotten(objects: Path) -> Iterator[Path]:
    """Remove the objects of a cache whose content does not have the hash that is their name."""
    for path in sorted(objects.glob("*/*")):
        name = OBJECT.fullmatch(path.relative_to(objects).as_posix())
        if name and not _has_md5(path, name[1] + name[2]):
            path.chmod(0o644)  # or Windows would not let it go
            path.unlink()
            yield path


def _has_md5(file: Path, digest: str) -> bool:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "md5").hexdigest() == digest
    except OSError:  # the disk cannot read it
        return False


def changed_outputs(repo: Repo) -> Iterator[tuple[str, str]]:
    """Yield what stages have made and how it is not as dvc.lock says, all files hashed anew."""
    repo.state.hashes.clear()
    for stage in repo.status().values():
        for change in stage:
            if isinstance(change, dict):
                yield from change.get("changed outs", {}).items()


def dangling_links(repo: Repo, objects: Path) -> Iterator[Path]:
    """Remove the outputs' links to objects that are gone, where DVC links its cache."""
    for output in (Path(out.fs_path) for out in repo.index.outs):
        for path in (output, *sorted(output.rglob("*"))):
            target = path.resolve() if path.is_symlink() else None
            if target and not target.exists() and target.is_relative_to(objects.resolve()):
                path.unlink()
                yield path.relative_to(Path.cwd())


def main() -> None:
    """Check every cache once, and every project's workspace."""
    checked = set()
    for project in (Path(), *(file.parent for file in sorted(Path("studies").glob("*/dvc.yaml")))):
        with one_line(f"check the cache of {project.resolve().name}"), Repo(str(project)) as repo:
            objects = Path(repo.cache.local.path)
            if objects not in checked:
                checked.add(objects)
                for path in rotten(objects):
                    print(f"{path}: rotten, removed")
            for path in dangling_links(repo, objects):
                print(f"{path}: linked to what is gone, removed; 'dvc repro' makes it anew")
            for name, how in changed_outputs(repo):
                if (project / name).exists():  # what is not there is no surprise
                    print(f"{project / name}: {how}; 'dvc repro' makes it anew")


if __name__ == "__main__":
    main()
