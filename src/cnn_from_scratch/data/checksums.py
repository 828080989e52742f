"""Checksums that params.yaml demands of a source's files: those that a data set's makers publish.

They publish MD5, which is also what DVC records of a file.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.params_file import PARAMS_FILE


def check_md5(files: Iterable[Path], demanded: Mapping[str, str]) -> None:
    """Check the files for whose names an MD5, in hex, is demanded.

    Raises InputError, naming the file, if one has another, or a name is none of the files'.
    """
    by_name = {file.name: file for file in files}
    for name, expected in demanded.items():
        if name not in by_name:
            raise InputError(
                f"{PARAMS_FILE}: convert.source.md5: expected names of files that are read,"
                f" {', '.join(by_name)}, got {name}"
            )
        with by_name[name].open("rb") as stream:
            digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
        if digest.hexdigest() != expected.lower():
            raise InputError(
                f"{by_name[name]}: expected the MD5 {expected} (convert.source.md5),"
                f" found {digest.hexdigest()}"
            )
