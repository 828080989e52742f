"""Convert the samples that params.yaml names: -> data/dataset.npz and data/dataset.parquet."""

import start

from pathlib import Path

from cnn_from_scratch.data.duplicates import count_duplicates
from cnn_from_scratch.data.sources import read_source
from cnn_from_scratch.data.table import write_dataset_table
from cnn_from_scratch.experiment.dataset import DATASET_FILE, Dataset, Images, save_dataset
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.experiment.params import load_params

TABLE_FILE = Path("data/dataset.parquet")
DIM = 0.1  # of a full pixel; images none of whose pixels are brighter may have another scale


def main() -> None:
    """Read and check the source, and write it as a tensor and as a table."""
    dataset = read_source(load_params())
    with replacing(DATASET_FILE) as tensor, replacing(TABLE_FILE) as table:
        save_dataset(tensor, dataset)
        write_dataset_table(table, dataset)
    describe("data", dataset, dataset.X)
    if dataset.X_test is None:
        print("no test samples: there will be no test accuracy")
    else:
        describe("test", dataset, dataset.X_test)
    found = count_duplicates(dataset.X, dataset.X_test)
    if found.within:
        print(
            f"data: {found.within} of {len(dataset.X)} samples have the same image as another one;"
            " a split can part them"
        )
    if dataset.X_test is not None and found.tested:
        print(f"test: {found.tested} of {len(dataset.X_test)} samples are in the data, too")


def describe(part: str, dataset: Dataset, images: Images) -> None:
    """Print how many samples there are, of what, and whether they are suspiciously dim."""
    channels, height, width = images.shape[1:]
    shape = f"{height}x{width}" + (f", {channels} channels" if channels > 1 else "")
    print(f"{part}: {len(images)} samples of {dataset.num_classes} classes, {shape}")
    if (brightest := float(images.max()) / dataset.scale) < DIM:
        print(
            f"{part}: no pixel is above {brightest:.2g} of a full one;"
            " does convert.source give the right full value?"
        )


if __name__ == "__main__":
    main()
