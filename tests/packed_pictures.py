"""A small packed store, made in a moment: bright or dark, reddish or bluish noise pictures that can be learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from repro.files import digest_of_file, write_json
from repro.randomness import generator


def make_packed(
    store: Path,
    key: str = "pictures-key",
    *,
    classes: int = 4,
    train: int = 48,
    held_out: int = 24,
    validation: int = 0,
    size: int = 20,
) -> str:
    """Write pictures/<key> into the store; returns its path relative to the store."""
    folder = store / "pictures" / key
    folder.mkdir(parents=True)
    total = None
    for split, count in (("train", train), ("held_out", held_out), ("validation", validation)):
        if count == 0:
            continue
        random = generator("packed test pictures", split)
        labels = np.arange(count, dtype=np.int64) % classes
        pixels = random.integers(0, 256, (count, size, size, 3)).astype(np.float64)
        pixels *= 0.4 + 0.5 * (labels % 2)[:, None, None, None]
        pixels[..., 0] *= np.where(labels[:, None, None] < classes / 2, 1.0, 0.3)
        np.save(folder / f"{split}_pictures.npy", pixels.astype(np.uint8))
        np.save(folder / f"{split}_labels.npy", labels)
        if split == "train":
            total = pixels.astype(np.uint8).astype(np.float64)
    assert total is not None
    np.save(folder / "mean_picture.npy", total.mean(axis=0).astype(np.float32))
    covariance = np.cov(total.reshape(-1, 3).T)
    values, vectors = np.linalg.eigh(covariance)
    write_json(
        folder / "manifest.json",
        {
            "schema": 1,
            "key": key,
            "name": "test",
            "digest": digest_of_file(folder / "train_pictures.npy"),
            "size": size,
            "classes": [f"class-{index}" for index in range(classes)],
            "counts": {"train": train, "held_out": held_out, "validation": validation},
            "colour": {
                "covariance": covariance.tolist(),
                "eigenvectors": vectors[:, ::-1].tolist(),
                "deviations": np.sqrt(values[::-1]).tolist(),
            },
        },
    )
    return f"pictures/{key}"
