"""cnn-export: a trained network as an ONNX file, for other programs and languages."""

import dataclasses
import json
from argparse import Namespace
from pathlib import Path

from cnn_from_scratch import InputError, one_line_errors
from cnn_from_scratch.arguments import Parser
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.inference.classifier import load


def export(args: Namespace) -> None:
    """Write the network of a run as ONNX."""
    if args.out.exists() and not args.out.is_file():
        raise InputError(f"{args.out}: is there and is no file; expected a file's name")
    networks = load(args.network).networks
    if len(networks) != 1:
        raise InputError(
            f"{args.network}: expected one run, found a model's {len(networks)}; choose one of them"
        )
    try:  # only here: it is an extra
        from cnn_from_scratch.export.onnx import to_onnx
    except ModuleNotFoundError as error:
        raise InputError(
            f"ONNX needs {error.name}, which is not installed: pip install -e '.[onnx]'"
        ) from error
    trained = networks[0]
    description = trained.description
    told = {
        "architecture": description.architecture,
        "preparation": dataclasses.asdict(description.preparation),
    }
    metadata = {key: json.dumps(value) for key, value in told.items()}
    content = to_onnx(trained.network, description.class_names, metadata).SerializeToString()
    with replacing(args.out) as file:  # which would replace a folder, too: hence the check
        file.write_bytes(content)
    shape = "x".join(map(str, description.in_shape))
    print(f"{args.out}: images N x {shape} of {description.dtype}, pixels in 0..1")


def parser() -> Parser:
    """Return the parser of the arguments."""
    parser = Parser(prog="cnn-export", description=__doc__)
    parser.add_argument("network", type=Path, help="a run's folder, or its checkpoint.npz")
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    return parser


def main() -> None:
    """Run the command."""
    one_line_errors()
    export(parser().parse_args())
