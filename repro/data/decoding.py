"""A file's bytes to RGB pixels: simplejpeg for ordinary JPEG, Pillow for everything else.

Both use libjpeg-turbo's exact inverse transform and smooth chroma upsampling, so ordinary pictures come
out the same by either. EXIF orientation and ICC profiles are ignored, alpha is dropped, of 16-bit samples
the high byte is kept. simplejpeg is strict: damage inside the picture, over which others pass silently, sends
the file to Pillow and onto the list of odd pictures. What a file is says its first bytes, never its name.
"""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError
from simplejpeg import decode_jpeg

from repro.data.layouts.layout import Pixels
from repro.errors import UserError

FAST = "jpeg"
_MOST_UNPACKED = 1 << 28
_KIND_OF_ENDING = {
    "jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "gif": "GIF", "bmp": "BMP", "webp": "WEBP",
}  # fmt: skip
_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")


class BadPictureError(UserError):
    """A file that is not a picture, or only a part of one. `fault` is the reason without the file's name."""

    def __init__(self, shown: str, fault: str) -> None:
        super().__init__(f"{shown}: {fault}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Decoded:
    """RGB pixels (height, width, 3) uint8 and the route: "jpeg" is the fast one, others name the format.

    `odd` says what is unusual about the file (an RGBA PNG named .JPEG, CMYK, ...), None for ordinary files.
    """

    pixels: Pixels
    route: str
    odd: str | None


def decode(content: bytes, name: str, shown: str | None = None) -> Decoded:
    """Decode one file; `name` serves to notice a wrong ending, `shown` names the file in an error.

    Raises BadPictureError when it is empty, not a picture, cut short or damaged so that no decoder reads it.
    """
    shown = shown or name
    if not content:
        raise BadPictureError(shown, "the file is empty (zero bytes)")
    packed = content[:2] == b"\x1f\x8b"
    if packed:
        content = _unpacked(content, shown)
    refusal = None
    if not packed and _jpeg_components(content) in (1, 3):
        try:
            pixels = decode_jpeg(content, colorspace="RGB", fastdct=False, fastupsample=False, strict=True)
            return Decoded(pixels, FAST, _misnamed("JPEG", name))
        except ValueError as error:  # damaged or unusual: Pillow decides whether it can be read at all
            refusal = str(error)
    return _by_pillow(content, name, shown, packed, refusal)


def _by_pillow(content: bytes, name: str, shown: str, packed: bool, refusal: str | None) -> Decoded:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            kind, mode = picture.format or "unknown", picture.mode
            picture.load()
            pixels = _rgb(picture)
    except UnidentifiedImageError:
        raise BadPictureError(shown, f"not a picture (it begins with {content[:8]!r})") from None
    except Exception as error:  # Pillow's readers raise many types on damaged bytes
        raise BadPictureError(shown, f"cannot be decoded: {error}") from error
    oddities = [_misnamed(kind, name), "gzip-compressed" if packed else None]
    if kind == "JPEG" and mode not in ("L", "RGB"):
        oddities.append(f"{mode} JPEG")
    elif mode in _SIXTEEN_BIT:
        oddities.append("16-bit samples, the high byte kept")
    elif mode in ("RGBA", "LA", "PA"):
        oddities.append("alpha dropped")
    elif refusal:
        oddities.append(f"damaged or unusual: {refusal}")
    return Decoded(pixels, f"pillow:{kind}", ", ".join(filter(None, oddities)) or None)


def _rgb(picture: Image.Image) -> Pixels:
    if picture.mode in _SIXTEEN_BIT:
        # Pillow's own conversion cuts everything above 255 off and leaves a nearly white picture.
        grey = np.clip(np.asarray(picture).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    return np.asarray(picture.convert("RGB"), dtype=np.uint8)


def _unpacked(content: bytes, shown: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            unpacked = stream.read(_MOST_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadPictureError(shown, f"gzip-compressed and damaged: {error}") from error
    if len(unpacked) > _MOST_UNPACKED:
        raise BadPictureError(shown, f"gzip-compressed, and more than {_MOST_UNPACKED >> 20} MiB when unpacked")
    return unpacked


def _misnamed(kind: str, name: str) -> str | None:
    ending = name.lower().rpartition(".")[2]
    meant = _KIND_OF_ENDING.get(ending, kind)
    return None if meant == kind or (meant == "JPEG" and kind == "MPO") else f"{kind} named .{ending}"


def _jpeg_components(content: bytes) -> int | None:
    """The number of colour components in a JPEG's frame header; None when there is no such header."""
    if content[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 10 <= len(content):
        if content[position] != 0xFF:
            return None
        marker = content[position + 1]
        if marker == 0xFF:  # a fill byte before a marker
            position += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return content[position + 9]
        elif marker in (0x01, *range(0xD0, 0xD9)):
            position += 2
        else:
            position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return None
