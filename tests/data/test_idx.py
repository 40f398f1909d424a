"""IDX folders, the format of MNIST: both parts are read in order, and a damaged file is refused."""

from __future__ import annotations

import gzip
import http.server
import shutil
import struct
import threading
from functools import partial

import numpy as np
import pytest

from steepest import data
from steepest.core.errors import DataError, UnknownName
from steepest.data import download as download_of, load
from steepest.data.idx import read_idx

N = {"train": 6, "t10k": 3}


def idx_bytes(array, code=0x08):
    return struct.pack(">HBB", 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def images_of(part):
    return np.random.default_rng(N[part]).integers(0, 256, (N[part], 5, 4), dtype=np.uint8)


def labels_of(part):
    return np.arange(N[part], dtype=np.uint8) % 3


def write(folder, part, *, packed=False, dot=False, prefix=""):
    sign = "." if dot else "-"
    for kind, array in ((f"images{sign}idx3", images_of(part)), (f"labels{sign}idx1", labels_of(part))):
        path = folder / f"{prefix}{part}-{kind}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(idx_bytes(array)) if packed else idx_bytes(array))


def refusal(folder):
    with pytest.raises(DataError) as caught:
        load(str(folder))
    assert caught.value.repair and caught.value.needed
    return caught.value


@pytest.mark.parametrize("form", [{}, {"packed": True}, {"dot": True}])
def test_train_and_t10k_are_read_one_after_the_other(tmp_path, form):
    write(tmp_path, "t10k", **form)
    write(tmp_path, "train", **form)
    found = load(tmp_path)
    pixels = np.concatenate([images_of("train"), images_of("t10k")]).astype(np.float32) / 255
    assert np.array_equal(found.x.numpy(), pixels) and found.shape == (5, 4) and found.name == tmp_path.name
    assert found.y.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2] and found.n_classes == 3


def test_one_part_is_enough_and_a_plain_file_goes_before_its_gz(tmp_path):
    write(tmp_path, "train", packed=True)
    write(tmp_path, "train")
    assert load(str(tmp_path)).n_samples == 6


def test_the_emnist_way_of_naming_is_read_and_two_sets_in_a_folder_are_refused(tmp_path):
    write(tmp_path, "train", prefix="emnist-letters-")
    assert load(str(tmp_path)).n_samples == 6
    write(tmp_path, "train", prefix="emnist-digits-")
    assert "folder of its own" in refusal(tmp_path).repair


@pytest.mark.parametrize(
    ("code", "dtype"), [(0x08, "u1"), (0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")],
)
def test_every_type_of_the_format_is_read(tmp_path, code, dtype):
    array = np.array([[1, -2, 3], [100, 5, 6]]).astype(dtype)
    (tmp_path / "a").write_bytes(idx_bytes(array, code))
    found = read_idx(tmp_path / "a")
    assert found.dtype == np.dtype(dtype) and np.array_equal(found, array)


def damage(change):
    def apply(folder):
        write(folder, "train")
        path = folder / "train-images-idx3-ubyte"
        path.write_bytes(change(path.read_bytes()))

    return apply


def without_labels(folder):
    write(folder, "train")
    (folder / "train-labels-idx1-ubyte").unlink()


def of_other_length(folder):
    write(folder, "train")
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(labels_of("t10k")))


def cut_gzip(folder):
    write(folder, "train", packed=True)
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])


def false_gzip(folder):
    write(folder, "train")
    (folder / "train-images-idx3-ubyte").rename(folder / "train-images-idx3-ubyte.gz")


@pytest.mark.parametrize(
    ("damaged", "seen", "repair"),
    [
        (damage(lambda b: b[:-1]), "promises 120 bytes for 6 x 5 x 4 and 119 follow", "again"), (damage(lambda b: b + b"\0"), "121 follow", "again"),
        (damage(lambda b: b[:9]), "promises", "again"), (damage(lambda b: b""), "empty file", "format"), (damage(lambda b: b"PK\3\4" + b), "50 4b 03 04", "format"),
        (damage(lambda b: b[:2] + b"\7" + b[3:]), "00 00 07", "format"), (without_labels, "train-labels-idx1-ubyte is not", "beside the images"),
        (of_other_length, "(6, 5, 4) and labels of shape (3,)", "belong together"), (cut_gzip, "unpacked", "again"), (false_gzip, "unpacked", "again"),
        (lambda folder: None, "it is empty", "table.csv:target"), (lambda folder: (folder / "x.csv").write_text("a"), "there are x.csv", "table.csv:target"),
    ],
)
def test_a_damaged_folder_is_refused_with_what_is_wrong(tmp_path, damaged, seen, repair):
    damaged(tmp_path)
    error = refusal(tmp_path)
    assert seen in error.seen and repair in error.repair


# -- downloads, from a server on this machine -----------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path):
    """A folder that is served over HTTP, and its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()
        thread.join()


@pytest.fixture
def made_up_set(server, monkeypatch):
    """A set called "mnist" whose files and hashes are ours."""
    import hashlib

    from steepest.data import download as _  # noqa: F401
    import sys

    module = sys.modules["steepest.data.download"]
    folder, url = server
    write(folder, "train", packed=True)
    hashes = {p.name: hashlib.md5(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    monkeypatch.setitem(module.SETS, "mnist", module.Remote(url, hashes, source="here"))
    return folder


def test_a_set_is_downloaded_by_hash_and_loads(made_up_set, tmp_path):
    place = data.download("mnist", tmp_path / "mine")
    assert load(place).n_samples == 6
    shutil.rmtree(made_up_set)
    assert data.download("mnist", place) == place, "whole files are kept, so no server is needed"


def test_a_file_with_another_hash_is_refused_and_not_left_behind(made_up_set, tmp_path):
    victim = made_up_set / "train-images-idx3-ubyte.gz"
    victim.write_bytes(victim.read_bytes() + b"!")
    with pytest.raises(DataError) as caught:
        data.download("mnist", tmp_path / "mine")
    assert "hash" in caught.value.seen and not list((tmp_path / "mine").glob("*images*"))


def test_a_set_that_cannot_be_fetched_says_how_else(made_up_set, tmp_path):
    shutil.rmtree(made_up_set)
    with pytest.raises(DataError) as caught:
        data.download("mnist", tmp_path / "mine")
    assert str(tmp_path / "mine") in caught.value.repair


def test_an_unknown_set_gets_a_did_you_mean(tmp_path):
    with pytest.raises(UnknownName) as caught:
        download_of("fashion-mnist", tmp_path)
    assert "'fashion_mnist'" in caught.value.repair
