"""cnn-predict: what a trained network, or those of all seeds of a model, make of new samples."""

import json
import re
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from pathlib import Path

from cnn_from_scratch import InputError, one_line_errors
from cnn_from_scratch.arguments import Parser
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.inference.answers import Answer, answers
from cnn_from_scratch.inference.classifier import Classifier, load
from cnn_from_scratch.inference.explaining import MAPS
from cnn_from_scratch.inference.samples import Layout, read_samples

EXPLAINED = Path("explained")


def predict(args: Namespace) -> None:
    """Print what the network makes of the samples."""
    classifier = load(args.network)
    layout = Layout(args.pixel_max, args.sheet, args.first_cell, args.label, tuple(args.ignore))
    found: list[Answer] = []
    for path in args.samples:
        samples = read_samples(path, classifier.description, layout)
        for note in samples.notes:
            print(note, file=sys.stderr)
        some = answers(classifier, samples.names, samples.pixels)
        if args.explain:
            _explain(args.explain, args.explain_to, classifier, some, samples.pixels, len(found))
        found += some
    print(json_text(found) if args.json else table(found, len(classifier.networks)))


def json_text(found: Sequence[Answer]) -> str:
    """Return the answers as JSON: a list of objects, one in a line."""
    rows = [
        {
            "sample": answer.sample,
            "class": answer.label,
            "probability": answer.probability,
            "agreeing": answer.agreeing,
            "probabilities": answer.probabilities,
        }
        for answer in found
    ]
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"


def table(found: Sequence[Answer], networks: int) -> str:
    """Return the answers as a table: class, probability, and the next class with its own."""
    rows = [["sample", "class", "probability", "next"]]
    if networks > 1:
        rows[0].append("seeds")
    for answer in found:
        ranked = sorted(answer.probabilities, key=lambda label: -answer.probabilities[label])
        after = next(label for label in ranked if label != answer.label)
        row = [
            answer.sample,
            answer.label,
            f"{answer.probability:.1%}",
            f"{after} {answer.probabilities[after]:.1%}",
        ]
        rows.append([*row, f"{answer.agreeing} of {networks}"] if networks > 1 else row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _explain(
    how: str, folder: Path, classifier: Classifier, found: list[Answer], pixels: Array, first: int
) -> None:
    """Write a picture of each sample beside its map."""
    from cnn_from_scratch.inference.pictures import explained

    folder.mkdir(parents=True, exist_ok=True)
    for i, (answer, sample) in enumerate(zip(found, pixels, strict=True), start=first + 1):
        chosen = classifier.class_names.index(answer.label)
        values = MAPS[how](classifier, sample, chosen)
        file = folder / f"{i:04}.png"
        explained(sample, values, f"{answer.label}  {answer.probability:.1%}").save(file)
        print(f"{file}: {how} of {answer.sample}", file=sys.stderr)


def parser() -> Parser:
    """Return the parser of the arguments."""
    parser = Parser(prog="cnn-predict", description=__doc__)
    parser.add_argument(
        "network", type=Path, help="a run's folder, a model's for all its seeds, or checkpoint.npz"
    )
    parser.add_argument(
        "samples",
        type=Path,
        nargs="+",
        help="pictures (PNG, JPEG), folders of them, .xlsx, .csv, .parquet, or IDX images",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with all probabilities")
    parser.add_argument(
        "--explain", choices=MAPS, help="draw what the answer rests on, for each sample"
    )
    parser.add_argument(
        "--explain-to", type=Path, default=EXPLAINED, help="where to; default: %(default)s"
    )
    default = Layout()
    parser.add_argument("--pixel-max", type=_above_0, help="the value of a full pixel")
    parser.add_argument("--sheet", default=default.sheet, help="default: %(default)s")
    parser.add_argument("--first-cell", default=default.first_cell, help="default: %(default)s")
    parser.add_argument(
        "--label", default=default.label, help="a table's column of labels; default: %(default)s"
    )
    parser.add_argument(
        "--ignore", action="append", default=[], help="a table's column that is no pixel"
    )
    return parser


def _above_0(text: str) -> float:
    with suppress(ValueError):
        if 0 < (value := float(text)) < inf:
            return value
    raise ArgumentTypeError(f"expected a number above 0, got {text!r}")


def main() -> None:
    """Run the command."""
    one_line_errors()
    try:
        predict(parser().parse_args())
    except InputError as error:
        # The readers speak of params.yaml's keys; here they are options.
        found = re.sub(
            r"convert\.source\.(\w+)", lambda key: "--" + key[1].replace("_", "-"), str(error)
        )
        raise InputError(found) from error
