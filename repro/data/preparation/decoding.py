"""A file's bytes to RGB pixels: simplejpeg for ordinary JPEG, Pillow for everything else.

Both use libjpeg-turbo's exact inverse transform and smooth chroma upsampling, so ordinary pictures come
out the same by either. EXIF orientation and ICC profiles are ignored, alpha is dropped, of 16-bit samples
the high byte is kept. simplejpeg is strict: damage inside the picture, over which others pass silently, sends
the file to Pillow and onto the list of odd pictures. A file's kind is read from its first bytes, not its name.
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
_TIFF = (b"II*\0", b"MM\0*")
_SAVE_AGAIN = "save it with 8 bits a sample"
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
            bits = _bits(picture)
            picture.load()
            pixels = _rgb(picture, bits)
    except UnidentifiedImageError:
        if content[:4] in _TIFF:
            raise BadPictureError(shown, f"a TIFF of a kind that no decoder reads; {_SAVE_AGAIN}") from None
        raise BadPictureError(shown, f"not a picture (it begins with {content[:8]!r})") from None
    except Exception as error:  # Pillow's readers raise many types on damaged bytes
        raise BadPictureError(shown, f"cannot be decoded: {error}") from error
    oddities = [_misnamed(kind, name), "gzip-compressed" if packed else None]
    if kind == "JPEG" and mode not in ("L", "RGB"):
        oddities.append(f"{mode} JPEG")
    elif mode in _SIXTEEN_BIT:
        oddities.append(f"{bits}-bit samples, the high byte kept")
    elif mode in ("RGBA", "LA", "PA"):
        oddities.append("alpha dropped")
    elif refusal:
        oddities.append(f"damaged or unusual: {refusal}")
    return Decoded(pixels, f"pillow:{kind}", ", ".join(filter(None, oddities)) or None)


def _bits(picture: Image.Image) -> int:
    """The bits of a sample: for a TIFF what the file says, for other files 16 or 8 by the mode that Pillow gives it.

    Raises ValueError where Pillow would give wrong pixels: it reads floats, signed and 32-bit samples as if they
    were numbers up to 255 or 65535, so that pictures come out all black or all white.
    """
    if picture.format == "TIFF":
        tags = picture.tag_v2  # type: ignore[attr-defined]
        bits, kinds = tags.get(258, (1,)), tags.get(339, (1,))
        if any(kind != 1 for kind in kinds):
            raise ValueError(f"its samples are not whole numbers from 0; {_SAVE_AGAIN}")
        if max(bits) > 16 or (max(bits) > 8 and len(bits) > 1 and tags.get(284, 1) != 1):
            raise ValueError(f"it has {max(bits)} bits a sample in a form that is not read; {_SAVE_AGAIN}")
        return int(max(bits))
    if picture.mode == "F" or (picture.mode == "I" and picture.format not in ("PNG", "PPM")):
        raise ValueError(f"its samples are not whole numbers of up to 16 bits; {_SAVE_AGAIN}")
    return 16 if picture.mode in _SIXTEEN_BIT else 8


def _rgb(picture: Image.Image, bits: int) -> Pixels:
    if picture.mode in _SIXTEEN_BIT:
        # Pillow's own conversion cuts everything above 255 off and leaves a nearly white picture.
        grey = np.clip(np.asarray(picture).astype(np.int64) >> (bits - 8), 0, 255).astype(np.uint8)
        if picture.format == "TIFF" and picture.tag_v2.get(262) == 0:  # type: ignore[attr-defined]  # white is nought
            grey = 255 - grey
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
