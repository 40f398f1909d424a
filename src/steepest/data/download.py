"""Larger data sets, fetched only when asked for and checked against their published hashes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from steepest.core.errors import DataError, unknown_name


@dataclass(frozen=True)
class Remote:
    """url: of the folder. files: name -> MD5, as their publisher or torchvision has it."""

    url: str
    files: dict[str, str]
    source: str


SETS = {
    "mnist": Remote(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        {
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
        source="LeCun et al. 1998, doi:10.1109/5.726791; hashes: pytorch/vision, torchvision/datasets/mnist.py",
    ),
    "fashion_mnist": Remote(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        {
            "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        },
        source="Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747; hashes: zalandoresearch/fashion-mnist, README.md",
    ),
}


def download(name: str, folder: str | Path) -> Path:
    """Fetch "mnist" or "fashion_mnist" into a folder, for `load(folder)`; files that are there and whole are kept.

    A file whose hash is wrong is refused and not left behind.
    """
    import pooch

    if name not in SETS:
        raise unknown_name("download", name, "data set to download", SETS)
    remote, place = SETS[name], Path(folder)
    for file, md5 in remote.files.items():
        try:
            pooch.retrieve(remote.url + file, f"md5:{md5}", fname=file, path=place)
        except ValueError as error:  # pooch: the hash does not match
            raise DataError(
                where=remote.url + file, seen="what came has not the published hash", needed=f"md5 {md5} was needed",
                consequence="The file is not kept.",
                repair="Try again later, or put the file into the folder yourself.",
            ) from error
        except Exception as error:  # requests, urllib3 and the disk have an exception each
            raise DataError(
                where=remote.url + file, seen=f"it cannot be fetched ({type(error).__name__})",
                needed="a connection and a writable folder were needed",
                repair=f"Fetch it in another way and put it into {place}.",
            ) from error
    return place
