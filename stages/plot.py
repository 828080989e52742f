"""Draw the pictures that are named: what the stages wrote -> plots/<name>.png."""

import start

import gc
from contextlib import ExitStack
from pathlib import Path

from cnn_from_scratch import InputError
from cnn_from_scratch.arguments import Parser
from cnn_from_scratch.experiment.dataset import DATASET_FILE
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.report.outputs import Outputs
from cnn_from_scratch.report.pictures.registry import PICTURES
from cnn_from_scratch.report.pictures.style import save_figure


def main(names: list[str], dataset: Path) -> None:
    """Draw every picture that is named, all or none."""
    known = ", ".join(PICTURES)
    if not names:
        raise InputError(f"name the pictures to draw; known: {known}")
    for name in names:
        if name not in PICTURES:
            raise InputError(f"unknown picture {name!r}; known: {known}")
    gc.freeze()  # what is imported stays: Python need not look through it for garbage
    outputs = Outputs(dataset)
    figures = {name: PICTURES[name](outputs) for name in names}
    with ExitStack() as stack:
        for name, figure in figures.items():
            save_figure(figure, stack.enter_context(replacing(Path(f"plots/{name}.png"))))


if __name__ == "__main__":
    parser = Parser(description=__doc__)
    parser.add_argument("--dataset", type=Path, default=DATASET_FILE, help="what `convert` wrote")
    parser.add_argument("names", nargs="*", metavar="NAME", help="loss, collapse, ...")
    args = parser.parse_args()
    main(args.names, args.dataset)
