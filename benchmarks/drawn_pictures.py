"""Full-size JPEG pictures to decode, drawn: as large in pixels and bytes as ImageNet's, and nobody's photographs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from repro.randomness import generator

SHAPES = ((375, 500), (500, 375), (333, 500), (375, 500), (480, 640), (300, 400))
"""Heights and widths; 375 x 500 is ImageNet's commonest."""


def jpeg(number: int, shape: tuple[int, int] | None = None, quality: int = 92) -> bytes:
    """Picture `number`: figures that hide each other, in soft light, with a camera's noise. 4:4:4, as most are."""
    height, width = shape or SHAPES[number % len(SHAPES)]
    random = generator("drawn pictures", number)
    picture = Image.new("RGB", (width, height), tuple(map(int, random.integers(40, 216, 3))))
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y, size = random.integers(0, width), random.integers(0, height), random.integers(4, max(8, height // 4))
        colour = tuple(map(int, random.integers(0, 256, 3)))
        corners = (int(x - size), int(y - size // 2), int(x + size), int(y + size // 2))
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)(corners, fill=colour)
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.8)), np.float32)
    light = np.linspace(*random.uniform(0.6, 1.2, 2), width, dtype=np.float32)[None, :, None]
    noisy = pixels * light + random.standard_normal(pixels.shape, np.float32) * 6
    content = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(content, "JPEG", quality=quality, subsampling=0)
    return content.getvalue()


def image_folder(folder: Path, pictures: int, shape: tuple[int, int] | None = None, classes: int = 10) -> Path:
    """`pictures` for training and a tenth as many held out, at least one a class, as an ImageFolder.

    A hundred are drawn; the others are links to them, which are read and decoded like files of their own.
    """
    drawn = [folder / "drawn" / f"{number}.jpg" for number in range(min(100, pictures))]
    drawn[0].parent.mkdir(parents=True)
    for number, path in enumerate(drawn):
        path.write_bytes(jpeg(number, shape))
    tree = folder / "pictures"
    for split, count in (("train", pictures), ("val", max(classes, pictures // 10))):
        for number, path in enumerate(_names(tree / split, count, classes)):
            path.hardlink_to(drawn[number % len(drawn)])
    return tree


def _names(folder: Path, count: int, classes: int) -> Iterator[Path]:
    for label in range(classes):
        (folder / f"class_{label}").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        yield folder / f"class_{number % classes}" / f"{number:06d}.JPEG"
