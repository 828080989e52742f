"""List source files with their MD5: the code that runs are trained by, or reported by.

The train stages depend on such a list, as DVC's entry of each run then stays short. So do the
studies beside the main one: each is a DVC project of its own, and in folders outside of it DVC
would count Python's bytecode as a change.
"""

import start

from argparse import Namespace
from pathlib import Path

from cnn_from_scratch.arguments import Parser
from cnn_from_scratch.experiment.code import code_digests
from cnn_from_scratch.experiment.files import replacing, write_json


def main(args: Namespace) -> None:
    """Write {path: MD5} of every module."""
    digests = code_digests(args.paths)
    with replacing(args.out) as new:
        write_json(new, digests)


if __name__ == "__main__":
    parser = Parser(description=__doc__)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("paths", nargs="+", type=Path, help="modules, and folders of modules")
    main(parser.parse_args())
