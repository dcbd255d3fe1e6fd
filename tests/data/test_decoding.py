"""Ordinary and odd files: the pixels that come out, and the errors that name the file."""

from __future__ import annotations

import gzip
import io
import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from repro.data.preparation.decoding import FAST, BadPictureError, decode
from repro.errors import UserError
from tests.data.miniatures import encoded, noise

PIXELS = noise(0, 30, 41)
RGB = Image.fromarray(PIXELS)


def file_of(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def by_pillow(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("shape", [(30, 41), (1, 1), (1, 300), (300, 1), (17, 16)])
def test_ordinary_jpeg_takes_the_fast_route_with_pillows_pixels(
    shape: tuple[int, int], subsampling: int, progressive: bool
) -> None:
    content = encoded(noise(1, *shape), subsampling=subsampling, progressive=progressive, quality=80)
    decoded = decode(content, "a.JPEG")
    assert (decoded.route, decoded.odd) == (FAST, None)
    assert decoded.pixels.shape == (*shape, 3)
    np.testing.assert_array_equal(decoded.pixels, by_pillow(content))


def test_grey_jpeg_is_ordinary() -> None:
    content = file_of(RGB.convert("L"), "JPEG")
    decoded = decode(content, "a.jpg")
    assert (decoded.route, decoded.odd) == (FAST, None)
    np.testing.assert_array_equal(decoded.pixels, by_pillow(content))


def test_junk_after_the_end_changes_nothing() -> None:
    content = encoded(PIXELS)
    np.testing.assert_array_equal(decode(content + b"junk" * 9, "a.jpg").pixels, decode(content, "a.jpg").pixels)


ODD = {
    "CMYK": (file_of(RGB.convert("CMYK"), "JPEG"), "a.JPEG", "CMYK JPEG"),
    "png named jpeg": (
        file_of(RGB.convert("RGBA"), "PNG"),
        "n02105855_2933.JPEG",
        "PNG named .jpeg, alpha dropped",
    ),
    "gif named jpeg": (file_of(RGB.convert("P"), "GIF"), "a.jpg", "GIF named .jpg"),
    "jpeg named png": (encoded(PIXELS), "a.png", "JPEG named .png"),
    "gzip": (gzip.compress(encoded(PIXELS)), "n02487347_1956.JPEG", "gzip-compressed"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_decoded_and_named_as_odd(name: str) -> None:
    content, file, why = ODD[name]
    decoded = decode(content, file)
    assert decoded.odd == why
    plain = gzip.decompress(content) if name == "gzip" else content
    np.testing.assert_array_equal(decoded.pixels, by_pillow(plain))


def test_cmyk_is_not_inverted() -> None:
    smooth = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    decoded = decode(file_of(Image.fromarray(smooth).convert("CMYK"), "JPEG"), "a.jpg")
    assert np.abs(decoded.pixels.astype(int) - smooth).max() < 6


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_png_of_every_mode(mode: str) -> None:
    content = file_of(RGB.convert(mode), "PNG")
    np.testing.assert_array_equal(decode(content, "a.png").pixels, by_pillow(content))


def test_alpha_is_dropped_not_blended() -> None:
    picture = RGB.convert("RGBA")
    picture.putalpha(0)
    np.testing.assert_array_equal(decode(file_of(picture, "PNG"), "a.png").pixels, PIXELS)


def test_palette_with_transparency_warns_of_nothing() -> None:
    content = file_of(RGB.convert("P"), "PNG", transparency=bytes(range(256)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decode(content, "a.png")


def test_sixteen_bit_keeps_the_high_byte() -> None:
    values = np.linspace(0, 65535, 600).astype(np.uint16).reshape(20, 30)
    decoded = decode(file_of(Image.fromarray(values), "PNG"), "a.png")
    np.testing.assert_array_equal(decoded.pixels[:, :, 1], values >> 8)
    assert "16-bit" in str(decoded.odd)


def test_orientation_and_profile_are_ignored() -> None:
    exif = Image.Exif()
    exif[274] = 6
    content = file_of(RGB, "JPEG", exif=exif.tobytes(), icc_profile=b"not a profile")
    decoded = decode(content, "a.jpg")
    assert decoded.odd is None
    np.testing.assert_array_equal(decoded.pixels, decode(file_of(RGB, "JPEG"), "a.jpg").pixels)


def test_damage_inside_the_picture_is_noticed_though_pillow_reads_over_it() -> None:
    content = bytearray(encoded(noise(2, 64, 64)))
    content[len(content) // 2 : len(content) // 2 + 6] = b"\xff\xd3\x00\xff\x00\x01"
    by_pillow(bytes(content))
    assert "damaged or unusual" in str(decode(bytes(content), "a.jpg").odd)


JPEG = encoded(noise(3, 50, 60))
BAD = {
    "empty": (b"", "empty (zero bytes)"),
    "text": (b"this is no picture at all, though it is named so", "not a picture"),
    "html error page": (b"<!DOCTYPE html><html>404</html>", "not a picture"),
    "only the magic": (b"\xff\xd8", "a.JPEG"),
    "header only": (JPEG[:200], "a.JPEG"),
    "half": (JPEG[: len(JPEG) // 2], "cannot be decoded"),
    "last 200 bytes missing": (JPEG[:-200], "cannot be decoded"),
    "png cut": (encoded(PIXELS, "PNG")[:-60], "cannot be decoded"),
    "gzip cut": (gzip.compress(JPEG)[:-40], "gzip-compressed and damaged"),
    "gzip of text": (gzip.compress(b"x" * 90), "not a picture"),
    "appledouble": (b"\x00\x05\x16\x07" + bytes(80), "not a picture"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_an_error_with_its_name(name: str) -> None:
    content, why = BAD[name]
    with pytest.raises(UserError) as caught:
        decode(content, "a.JPEG", "/there/a.JPEG")
    assert isinstance(caught.value, BadPictureError)
    assert "/there/a.JPEG" in str(caught.value)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UserError, match=r"a\.png.*(decompression bomb|exceeds limit)"):
        decode(encoded(PIXELS, "PNG"), "a.png")


def test_a_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.data.preparation.decoding._MOST_UNPACKED", 1000)
    with pytest.raises(UserError, match=r"a\.jpg: gzip-compressed, and more than"):
        decode(gzip.compress(bytes(2000)), "a.jpg")


# ---- samples of other kinds ----------------------------------------------------------------------------

RAMP = np.linspace(0, 1, 64).reshape(8, 8)
UNSIGNED, SIGNED, FLOATS = 1, 2, 3
WHITE_IS_NOUGHT, BLACK_IS_NOUGHT, COLOURS = 0, 1, 2


def tiff(data: bytes, bits: int, kind: int, meaning: int = BLACK_IS_NOUGHT, planes: int = 1, apart: int = 1) -> bytes:
    """A plain TIFF of 8 x 8 pixels with these samples; `apart` 2 puts one colour after the other."""
    tags = [(256, [8]), (257, [8]), (258, [bits] * planes), (259, [1]), (262, [meaning]), (273, [200])]
    tags += [(277, [planes]), (278, [8]), (279, [len(data)]), (284, [apart]), (339, [kind] * planes)]
    extra, entries = b"", b""
    for tag, values in tags:
        packed = struct.pack(f"<{len(values)}H", *values)
        if len(packed) > 4:
            extra, packed = extra + packed, struct.pack("<I", 10 + 12 * len(tags) + 4 + len(extra))
        entries += struct.pack("<HHI", tag, 3, len(values)) + packed.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + extra
    return head.ljust(200, b"\0") + data


def twelve_bits() -> bytes:
    pairs = (RAMP * 4095).astype(int).reshape(-1, 2).tolist()
    return bytes(byte for a, b in pairs for byte in (a >> 4, (a & 15) << 4 | b >> 8, b & 255))


WORDS = (RAMP * 65535).astype("<u2")
RIGHT = {
    "16 bits": tiff(WORDS.tobytes(), 16, UNSIGNED),
    "16 bits, white is nought": tiff((65535 - WORDS).tobytes(), 16, UNSIGNED, WHITE_IS_NOUGHT),
    "8 bits, white is nought": tiff((255 - (WORDS >> 8)).astype("u1").tobytes(), 8, UNSIGNED, WHITE_IS_NOUGHT),
    "12 bits": tiff(twelve_bits(), 12, UNSIGNED),
    "16 bits in colour": tiff(np.repeat(WORDS[..., None], 3, axis=2).tobytes(), 16, UNSIGNED, COLOURS, 3),
    "PGM of 16 bits": b"P5 8 8 65535\n" + WORDS.astype(">u2").tobytes(),
    "PGM of 10 bits": b"P5 8 8 1023\n" + (RAMP * 1023).astype(">u2").tobytes(),
    "PPM of 16 bits": b"P6 8 8 65535\n" + np.repeat(WORDS[..., None], 3, axis=2).astype(">u2").tobytes(),
}


@pytest.mark.parametrize("name", RIGHT)
def test_samples_of_more_than_eight_bits_keep_black_and_white(name: str) -> None:
    pixels = decode(RIGHT[name], "a.tif").pixels
    assert np.abs(pixels - RAMP[..., None] * 255).max() <= 2


WRONG = {
    "floats up to 1": tiff(RAMP.astype("<f4").tobytes(), 32, FLOATS),
    "floats up to 255": tiff((RAMP * 255).astype("<f4").tobytes(), 32, FLOATS),
    "long floats": tiff(RAMP.astype("<f8").tobytes(), 64, FLOATS),
    "short floats": tiff(RAMP.astype("<f2").tobytes(), 16, FLOATS),
    "floats in colour": tiff(np.repeat(RAMP[..., None], 3, 2).astype("<f4").tobytes(), 32, FLOATS, COLOURS, 3),
    "32 bits": tiff((RAMP * (2**32 - 1)).astype("<u4").tobytes(), 32, UNSIGNED),
    "32 bits in colour": tiff(np.repeat(WORDS[..., None], 3, 2).astype("<u4").tobytes(), 32, UNSIGNED, COLOURS, 3),
    "signed 32 bits": tiff((RAMP * 2**30).astype("<i4").tobytes(), 32, SIGNED),
    "signed 16 bits": tiff((RAMP * 32767).astype("<i2").tobytes(), 16, SIGNED),
    "signed 8 bits": tiff((RAMP * 127).astype("i1").tobytes(), 8, SIGNED),
    "16 bits, one colour after the other": tiff(np.stack([WORDS] * 3).tobytes(), 16, UNSIGNED, COLOURS, 3, 2),
    "floats of PFM": b"Pf\n8 8\n-1.0\n" + RAMP.astype("<f4").tobytes(),
}


@pytest.mark.parametrize("name", WRONG)
def test_samples_whose_black_and_white_are_not_known_are_refused_by_name(name: str) -> None:
    with pytest.raises(BadPictureError, match=r"^/there/a\.tif: .*8 bits") as caught:
        decode(WRONG[name], "a.tif", "/there/a.tif")
    assert "not a picture" not in str(caught.value)
