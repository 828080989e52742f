"""Check params.yaml, one clear line for each mistake, and that no file of one's own gets lost.

This is the first stage: all others wait for it. What it writes never changes, so none of them runs
again because of it. As a stage it reads the samples, too: DVC deletes what a stage has written
before it runs that again, and so a bad source must fail before `convert` begins.

DVC itself reads params.yaml before any stage runs, and reports some mistakes in words of its own,
so `make` runs this before DVC, too.
"""

import start

from argparse import Namespace
from pathlib import Path

from cnn_from_scratch import InputError
from cnn_from_scratch.arguments import Parser
from cnn_from_scratch.data.sources import read_source, resolve_source
from cnn_from_scratch.experiment.files import replacing, write_text
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.experiment.params_file import PARAMS_FILE
from cnn_from_scratch.experiment.records import check_own_files


def main(args: Namespace) -> None:
    """Check what is in the current folder, and say so in the file asked for."""
    params = load_params()
    if params.convert is not None:
        (read_source if args.out else resolve_source)(params)
    for name in resolve_models(params):
        model, slash, variant = name.partition("/")
        if slash and not args.study:
            path, noun = f"models.{model}.optimizer.lr", "rates"
            if variant.startswith("split-"):
                path, noun = "split.seed", "seeds"
            raise InputError(
                f"{PARAMS_FILE}: {path}: expected a number; a list of {noun} is for the studies in"
                " studies/"
            )
    if params.contrasts and not args.study:
        raise InputError(f"{PARAMS_FILE}: contrasts: unknown; they are for the studies in studies/")
    check_own_files()
    if args.out:
        with replacing(args.out) as file:
            write_text(file, "ok\n")


def parser() -> Parser:
    """Return the parser of the arguments."""
    parser = Parser(description=__doc__)
    parser.add_argument("--study", action="store_true", help="allow lists, and contrasts")
    parser.add_argument("--out", type=Path, help="read the samples, too, and write 'ok' here")
    return parser


if __name__ == "__main__":
    main(parser().parse_args())
