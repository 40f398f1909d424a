"""IDX files, the format of MNIST and Fashion-MNIST: a header of sizes, then the bytes."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

import numpy as np

from steepest.core.errors import DataError

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_IMAGES = re.compile(r"(?P<part>.*?)-?images[.-]idx3-ubyte(?:\.gz)?")
PARTS = ("train", "t10k", "test")


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, plain or gzipped; sizes in the header must be those of the file."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            where=path.name, seen=f"it cannot be unpacked ({error})", needed="a whole gzip file was needed",
            repair="Download or copy it again.",
        ) from error
    except OSError as error:
        raise DataError(
            where=path.name, seen=f"it cannot be read ({error.strerror})", needed="a readable file was needed",
            repair="May you read it?",
        ) from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES or not content[3]:
        raise DataError(
            where=path.name, seen=f"it starts with the bytes {content[:4].hex(' ') or 'of an empty file'}",
            needed="the IDX header was needed: 00 00, a type, a number of axes",
            repair="Is it packed (a .gz without its ending), or another format?",
        )
    dtype, n_axes = np.dtype(TYPES[content[2]]), content[3]
    start = 4 + 4 * n_axes
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist()) if len(content) >= start else ()
    needed = int(np.prod(shape, dtype=object)) * dtype.itemsize if shape else 0
    found = max(len(content) - start, 0)
    if not shape or found != needed:
        raise DataError(
            where=path.name,
            seen=f"its header promises {needed} bytes for {' x '.join(map(str, shape)) or '?'} and {found} follow",
            needed="the whole file was needed", repair="Download or copy it again.",
        )
    return np.frombuffer(content, dtype, offset=start).reshape(shape)


def read_folder(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """(images (N, H, W), labels (N,)) of all parts of the data set in a folder, train before t10k."""
    found = _image_files(folder)
    images, labels = [], []
    for path in found:
        images.append(read_idx(path))
        labels.append(read_idx(_labels_of(path)))
        if images[-1].ndim != 3 or labels[-1].shape != images[-1].shape[:1]:
            raise DataError(
                where=path.name, seen=f"images of shape {images[-1].shape} and labels of shape {labels[-1].shape}",
                needed="one label per image was needed",
                repair="Do both files belong together?",
            )
        if images[-1].shape[1:] != images[0].shape[1:]:
            raise DataError(
                where=str(folder), seen=f"images of {images[0].shape[1:]} and {images[-1].shape[1:]} pixels",
                needed="one size was needed", repair="Give each set a folder of its own.",
            )
    return np.concatenate(images), np.concatenate(labels)


def _image_files(folder: Path) -> list[Path]:
    """One image file per part; a plain file goes before its .gz."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        match = _IMAGES.fullmatch(path.name)
        if match and path.is_file():
            found.setdefault(match["part"], path)
    if not found:
        names = sorted(p.name for p in folder.iterdir())[:5]
        raise DataError(
            where=str(folder),
            seen="no *images-idx3-ubyte file is in the folder" + (f" (there are {', '.join(names)})" if names
            else ": it is empty"),
            needed="the IDX files of a data set such as MNIST were needed",
            repair="A table is named with its file: table.csv:target. "
            "MNIST comes with steepest.data.download('mnist', folder).",
        )
    sets = {re.sub(rf"-?({'|'.join(PARTS)})$", "", part) for part in found}
    if len(sets) > 1:
        raise DataError(
            where=str(folder), seen=f"there are several data sets in it: {', '.join(sorted(sets))}",
            needed="one was needed",
            repair="Give each a folder of its own.",
        )
    order = {part: i for i, part in enumerate(PARTS)}
    return [found[part] for part in sorted(found, key=lambda p: (order.get(p.rpartition("-")[2], len(PARTS)), p))]


def _labels_of(images: Path) -> Path:
    plain = re.sub(r"images([.-])idx3", r"labels\1idx1", images.name).removesuffix(".gz")
    for name in (plain, f"{plain}.gz"):
        if (images.parent / name).is_file():
            return images.parent / name
    raise DataError(
        where=str(images.parent), seen=f"{images.name} is there and {plain} is not",
        needed="the labels of the images were needed", repair="Put it (plain or .gz) beside the images.",
    )
