"""Tiny collections of pictures in every layout, made of synthetic pictures whose colour tells their class.

`shown_class(pixels)` reads the class off a picture, so that a test can hold labels against content.
"""

from __future__ import annotations

import io
import pickle
import random
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.io
from PIL import Image

Pixels = npt.NDArray[np.uint8]

# Ids follow this order, which is not the sorted one; two classes share their words, as the real cranes do.
WNIDS = ("n03126707", "n01440764", "n02012849", "n09193705", "n02119789")
WORDS = {
    "n03126707": "crane",
    "n01440764": "tench, Tinca tinca",
    "n02012849": "crane",
    "n09193705": "alp",
    "n02119789": "kit fox, Vulpes macrotis",
}
SORTED = tuple(sorted(WNIDS))
CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAIN, VALIDATION = 4, 2
_STEP = 24


def colour(label: int, index: int, height: int = 20, width: int = 26) -> Pixels:
    """A picture (height, width, 3) of class `label`: red says the class, blue varies with `index`."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 0] = label * _STEP
    pixels[:, :, 1] = 128
    pixels[:, :, 2] = np.random.default_rng([label, index]).integers(0, 256)
    return pixels


def shown_class(pixels: Pixels) -> int:
    """The class that a picture made by `colour` shows."""
    return round(float(pixels[:, :, 0].mean()) / _STEP)


def noise(seed: int, height: int, width: int) -> Pixels:
    """Random pixels (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(pixels: Pixels, kind: str = "JPEG", **options: object) -> bytes:
    """The picture as a file of `kind`."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def tar_of(files: Iterable[tuple[str, bytes]], *, form: int = tarfile.USTAR_FORMAT, mode: str = "w") -> bytes:
    """A tar of (name, content) in the given order."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode, format=form) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def put(path: Path, content: bytes | str) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def validation_names(year: str = "2012") -> list[str]:
    return [f"ILSVRC{year}_val_{number:08d}.JPEG" for number in range(1, VALIDATION * len(WNIDS) + 1)]


def validation_ids() -> list[int]:
    """The id (1-based position in WNIDS) of each validation picture, in name order; deliberately mixed."""
    ids = [number + 1 for number in range(len(WNIDS)) for _ in range(VALIDATION)]
    random.Random(7).shuffle(ids)
    return ids


def _label_of_id(number: int) -> int:
    return SORTED.index(WNIDS[number - 1])


def devkit_parts(year: str = "2012", ids: list[int] | None = None, counts: int = TRAIN) -> dict[str, bytes]:
    """meta.mat and the ground truth."""
    fields = (f"ILSVRC{year}_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height")
    table = np.zeros((len(WNIDS) + 1, 1), dtype=[(name, "O") for name in (*fields, "num_train_images")])
    for index, wnid in enumerate(WNIDS):
        table[index, 0] = (index + 1, wnid, WORDS[wnid], "gloss", 0, np.zeros((1, 0), np.uint8), 0, counts)
    children = np.arange(1, len(WNIDS) + 1, dtype=np.uint16)
    table[-1, 0] = (len(WNIDS) + 1, "n00001740", "entity", "gloss", len(WNIDS), children, 19, 0)
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"synsets": table})
    truth = "".join(f"{number}\n" for number in (validation_ids() if ids is None else ids))
    return {"meta.mat": stream.getvalue(), f"ILSVRC{year}_validation_ground_truth.txt": truth.encode()}


def devkit(year: str = "2012", **options: object) -> bytes:
    """The development kit as its tar.gz."""
    folder = "ILSVRC2012_devkit_t12" if year == "2012" else "devkit-1.0"
    parts = devkit_parts(year, **options)  # type: ignore[arg-type]
    files = [(f"{folder}/readme.txt", b"read me"), *((f"{folder}/data/{n}", c) for n, c in parts.items())]
    return tar_of(files, mode="w:gz")


def train_files() -> dict[str, list[tuple[str, bytes]]]:
    """(name, content) of each class's training pictures; numbers without leading zeros, in no order."""
    return {
        wnid: [
            (f"{wnid}_{number}.JPEG", encoded(colour(SORTED.index(wnid), number)))
            for number in random.Random(wnid).sample(range(1, 3000), TRAIN)
        ]
        for wnid in WNIDS
    }


def validation_files(year: str = "2012") -> list[tuple[str, bytes]]:
    """(name, content) of the validation pictures, shuffled."""
    pairs = zip(validation_names(year), validation_ids(), strict=True)
    files = [(name, encoded(colour(_label_of_id(number), 100 + index))) for index, (name, number) in enumerate(pairs)]
    random.Random(3).shuffle(files)
    return files


def ilsvrc_archives(folder: Path, year: str = "2012") -> Path:
    """The archives as downloaded, AppleDouble files among the members."""
    middle = "img" if year == "2012" else "images"
    inner = [(f"{wnid}.tar", tar_of([(f"._{files[0][0]}", b"apple"), *files])) for wnid, files in train_files().items()]
    put(folder / f"ILSVRC{year}_{middle}_train.tar", tar_of(inner))
    held_out = validation_files(year)
    if year == "2010":
        held_out = [(f"val/{name}", content) for name, content in held_out]
    put(folder / f"ILSVRC{year}_{middle}_val.tar", tar_of(held_out))
    kit = "ILSVRC2012_devkit_t12.tar.gz" if year == "2012" else "ILSVRC2010_devkit-1.0.tar.gz"
    put(folder / kit, devkit(year))
    return folder


def ilsvrc_folders(folder: Path) -> Path:
    """train/<wnid>/, val/ flat, the unpacked development kit."""
    for wnid, files in train_files().items():
        for name, content in files:
            put(folder / "train" / wnid / name, content)
    for name, content in validation_files():
        put(folder / "val" / name, content)
    for name, content in devkit_parts().items():
        put(folder / "ILSVRC2012_devkit_t12" / "data" / name, content)
    return folder


def kaggle(folder: Path) -> Path:
    """Kaggle's tree; the solution's rows are not in name order, and some have two boxes."""
    pictures = folder / "ILSVRC" / "Data" / "CLS-LOC"
    listed = []
    for wnid, files in train_files().items():
        for name, content in files:
            put(pictures / "train" / wnid / name, content)
            listed.append(f"{wnid}/{name.removesuffix('.JPEG')} {len(listed) + 1}\n")
    rows = []
    for name, content in validation_files():
        put(pictures / "val" / name, content)
        index = validation_names().index(name)
        wnid = WNIDS[validation_ids()[index] - 1]
        boxes = " ".join([f"{wnid} 1 2 3 4"] * (1 + index % 2))
        rows.append(f"{name.removesuffix('.JPEG')},{boxes} \n")
    put(pictures / "test" / "ILSVRC2012_test_00000001.JPEG", encoded(noise(0, 9, 9)))
    put(folder / "ILSVRC" / "ImageSets" / "CLS-LOC" / "train_cls.txt", "".join(listed))
    put(folder / "LOC_val_solution.csv", "ImageId,PredictionString\n" + "".join(rows))
    put(folder / "LOC_synset_mapping.txt", "".join(f"{wnid} {WORDS[wnid]}\n" for wnid in SORTED))
    return folder


def image_folder(
    folder: Path,
    classes: tuple[str, ...] = SORTED,
    held_out: str = "val",
    kind: str = "JPEG",
    train: int = TRAIN,
) -> Path:
    """train/<class>/ and val/<class>/, with things that are no pictures among them."""
    for label, name in enumerate(classes):
        for index in range(train):
            put(folder / "train" / name / f"a {index}'s.{kind.lower()}", encoded(colour(label, index), kind))
        for index in range(VALIDATION):
            content = encoded(colour(label, 100 + index), kind)
            put(folder / held_out / name / "deeper" / f"{index}.{kind}", content)
        put(folder / "train" / name / "._a 0's.jpeg", b"apple")
        put(folder / "train" / name / "notes.txt", b"not a picture")
    put(folder / "train" / ".ipynb_checkpoints" / "x.jpeg", b"hidden")
    (folder / "lost+found").mkdir()
    return folder


def tiny_imagenet(folder: Path) -> Path:
    """The original form: unsorted wnids.txt, boxes, annotations, names not in number order."""
    for label, wnid in enumerate(SORTED):
        for index in range(12):
            name = f"{wnid}_{index}.JPEG"
            put(folder / "train" / wnid / "images" / name, encoded(colour(label, index)))
        put(folder / "train" / wnid / f"{wnid}_boxes.txt", f"{wnid}_0.JPEG\t0\t0\t9\t9\n")
    labels = [number % len(SORTED) for number in range(12)]
    random.Random(5).shuffle(labels)
    rows = []
    for index, label in enumerate(labels):
        put(folder / "val" / "images" / f"val_{index}.JPEG", encoded(colour(label, 100 + index)))
        rows.append(f"val_{index}.JPEG\t{SORTED[label]}\t0\t0\t9\t9\n")
    put(folder / "val" / "val_annotations.txt", "".join(rows))
    put(folder / "test" / "images" / "test_0.JPEG", encoded(noise(0, 9, 9)))
    put(folder / "wnids.txt", "".join(f"{wnid}\n" for wnid in WNIDS))
    others = "n00001740\tentity\n"
    put(folder / "words.txt", others + "\n".join(f"{wnid}\t{WORDS[wnid]}" for wnid in SORTED))
    return folder


def cifar10_parts(rows: int = 20) -> dict[str, bytes]:
    """The six batches and the meta file, pickled as Python 3 writes them."""
    parts = {}
    for batch in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        labels = [(index * 3 + len(parts)) % 10 for index in range(rows)]
        pictures = [colour(label, index + 50 * len(parts), 32, 32) for index, label in enumerate(labels)]
        data = np.stack(pictures).transpose(0, 3, 1, 2).reshape(rows, -1)
        parts[batch] = pickle.dumps({"data": data, "labels": labels, "batch_label": batch}, protocol=2)
    parts["batches.meta"] = pickle.dumps({"label_names": list(CIFAR), "num_vis": 3072}, protocol=2)
    return parts


def cifar10_batches(folder: Path) -> Path:
    """cifar-10-batches-py/ as unpacked."""
    for name, content in cifar10_parts().items():
        put(folder / "cifar-10-batches-py" / name, content)
    put(folder / "cifar-10-batches-py" / "readme.html", "read me")
    return folder


def cifar10_archive(folder: Path) -> Path:
    """cifar-10-python.tar.gz; returns the archive."""
    files = [(f"cifar-10-batches-py/{name}", content) for name, content in cifar10_parts().items()]
    return put(folder / "cifar-10-python.tar.gz", tar_of(files, mode="w:gz"))


def cifar10_pictures(folder: Path) -> Path:
    """train/<class>/ and test/<class>/ of PNG files."""
    return image_folder(folder, CIFAR, "test", "PNG")


def image_folder_tar(folder: Path) -> Path:
    """An ImageFolder inside an uncompressed tar, all under one top folder; returns the archive."""
    tree = image_folder(folder / "tree")
    files = [(f"./set/{path.relative_to(tree)}", path.read_bytes()) for path in tree.rglob("*") if path.is_file()]
    return put(folder / "set.tar", tar_of(files))


# name of the layout -> (what builds it, number of training and validation pictures)
LAYOUTS = {
    "ilsvrc2012-archives": (ilsvrc_archives, 20, 10),
    "ilsvrc2010-archives": (lambda folder: ilsvrc_archives(folder, "2010"), 20, 10),
    "ilsvrc-folders": (ilsvrc_folders, 20, 10),
    "kaggle-cls-loc": (kaggle, 20, 10),
    "image-folder": (image_folder, 20, 10),
    "image-folder in a tar": (image_folder_tar, 20, 10),
    "tiny-imagenet": (tiny_imagenet, 60, 12),
    "cifar10-pictures": (cifar10_pictures, 40, 20),
    "cifar10-batches": (cifar10_batches, 100, 20),
    "cifar10-batches in an archive": (cifar10_archive, 100, 20),
}
