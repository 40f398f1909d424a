"""Items are found because their file lies in a folder, or because a package names its module; nothing is registered."""

from __future__ import annotations

import importlib
import sys
import textwrap
from pathlib import Path

import pytest

from steepest.core.discover import Catalogue
from steepest.core.errors import UnknownName
from steepest.core.item import Item

LOSS = '''
"""{name}: made for a test."""
from torch import Tensor
from steepest.core.declare import loss
from steepest.core.targets import same_as_input

@loss(target=same_as_input, task="regression", use="Never.", source="None", formula="Abs(x - y)*{factor}")
def {name}(input: Tensor, target: Tensor) -> Tensor:
    """One item."""
    return (input - target).abs() * {factor}
'''

OTHERS = {
    "dataset": '''
        """Three points."""
        from steepest.core.declare import dataset

        @dataset(task="regression", size="3 x 1", use="Tests.", source="None")
        def three(*, noise: float = 0.0):
            """Three points on a line."""
            return [0, 1, 2]
        ''',
    "section": '''
        """Does it rain?"""
        from steepest.core.declare import section

        @section(order=7, question="Does it rain?")
        def rain(study):
            """No."""
            return None
        ''',
    "schedule": '''
        """Half."""
        from steepest.core.declare import schedule

        @schedule(use="Never.", source="None")
        def half(step, horizon):
            """Half the rate, always."""
            return step * 0 + 0.5
        ''',
}


class Shelf:
    """A folder on the path in which a test puts packages; whatever was imported from it is forgotten afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, path: str, text: str = "") -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        importlib.invalidate_caches()

    def catalogue(self, name: str, kind: str, **files: str) -> Catalogue:
        """A package that is a catalogue of one kind, with a file for each item."""
        self.put(
            f"{name}/__init__.py",
            f"from steepest.core.discover import Catalogue\nCatalogue.of(__name__, kind={kind!r})\n",
        )
        for file, text in files.items():
            self.put(f"{name}/{file}.py", text)
        found = importlib.import_module(name)
        assert isinstance(found, Catalogue)
        return found

    def install(self, package: str, entries: dict[str, str]) -> None:
        """What pip leaves of a package that names its items: a dist-info folder with entry points."""
        self.put(f"{package}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = "\n".join(f"{key} = {value}" for key, value in entries.items())
        self.put(f"{package}-1.0.dist-info/entry_points.txt", f"[steepest.items]\n{lines}\n")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    yield Shelf(tmp_path)
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def losses_of(names: str, factor: int = 1) -> dict[str, str]:
    return {name: LOSS.format(name=name, factor=factor) for name in names.split()}


# -- a folder --------------------------------------------------------------------------------------------------------------


def test_a_file_in_the_folder_is_an_item_of_the_catalogue(shelf):
    found = shelf.catalogue("made_losses", "loss", **losses_of("tall wide"))
    assert found.names() == ["tall", "wide"] and len(found) == 2
    assert [item.name for item in found] == ["tall", "wide"]
    assert found.tall is found["tall"] and "tall" in found and "talll" not in found and 3 not in found
    assert {"tall", "wide", "Tall", "Wide"} <= set(dir(found))
    assert found.Tall is found.tall.module_class
    assert found.tall.purpose == "tall: made for a test." and found.tall.file.endswith("tall.py")


def test_a_new_file_needs_no_other_change(shelf):
    shelf.catalogue("grown_losses", "loss", **losses_of("first"))
    shelf.put("grown_losses/second.py", LOSS.format(name="second", factor=2))
    assert importlib.import_module("grown_losses").names() == ["first", "second"]


@pytest.mark.parametrize("kind", OTHERS)
def test_items_of_every_kind_are_found_in_their_folder(shelf, kind):
    (name,) = [word.partition("(")[0] for word in OTHERS[kind].split("def ")[1:]]
    found = shelf.catalogue(f"made_{kind}s", kind, **{name: OTHERS[kind]})
    assert found.names() == [name]
    item = found[name]
    assert isinstance(item, Item) and item.kind == kind and item.purpose.endswith((".", "?"))
    with pytest.raises(AttributeError):
        found.Nothing


def test_an_item_is_found_without_importing_the_others(shelf):
    found = shelf.catalogue("lazy_losses", "loss", **losses_of("near"), broken="raise RuntimeError('imported')")
    assert found.near.name == "near"
    with pytest.raises(RuntimeError, match="imported"):
        found.names()


def test_a_broken_file_says_what_is_broken_in_it(shelf):
    found = shelf.catalogue("faulty_losses", "loss", faulty="import no_such_package")
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        found.faulty


def test_importing_the_file_of_an_item_does_not_hide_the_item(shelf):
    found = shelf.catalogue("shadow_losses", "loss", **losses_of("same"))
    importlib.import_module("shadow_losses.same")
    assert isinstance(found.same, Item)


def test_other_kinds_and_borrowed_items_do_not_belong(shelf):
    files = {**losses_of("own"), "half": OTHERS["schedule"], "borrower": "from mixed_losses.own import own\n"}
    assert shelf.catalogue("mixed_losses", "loss", **files).names() == ["own"]


def test_an_unknown_name_is_answered_with_the_nearest(shelf):
    found = shelf.catalogue("near_losses", "loss", **losses_of("tall wide"))
    with pytest.raises(UnknownName) as caught:
        found["tal"]
    assert caught.value.repair == "Did you mean 'tall'?"
    with pytest.raises(AttributeError, match="Did you mean 'tall'"):
        found.tal
    assert not hasattr(found, "_secret") and not hasattr(found, "__wrapped__")


# -- packages of others ----------------------------------------------------------------------------------------------------


def test_a_package_of_others_joins_by_its_entry_point(shelf):
    shelf.put("acme_extra.py", LOSS.format(name="acme", factor=3) + textwrap.dedent(OTHERS["schedule"]))
    shelf.install("acme-extra", {"acme": "acme_extra"})
    found = shelf.catalogue("home_losses", "loss", **losses_of("own"))
    assert found.names() == ["acme", "own"] and found.acme.__module__ == "acme_extra"
    assert found.Acme is found.acme.module_class
    assert shelf.catalogue("home_schedules", "schedule").names() == ["half"]


def test_a_whole_package_of_others_may_be_named(shelf):
    shelf.put("acme_pack/__init__.py")
    for name, text in losses_of("left right").items():
        shelf.put(f"acme_pack/{name}.py", text)
    shelf.install("acme-pack", {"all": "acme_pack"})
    assert shelf.catalogue("pack_losses", "loss").names() == ["left", "right"]


def test_of_two_items_of_one_name_the_own_one_is_used_and_a_warning_names_both(shelf):
    shelf.put("acme_twin.py", LOSS.format(name="twin", factor=3))
    shelf.install("acme-twin", {"twin": "acme_twin"})
    found = shelf.catalogue("twin_losses", "loss", **losses_of("twin"))
    with pytest.warns(UserWarning, match="the one of twin_losses.twin is used, the one of acme_twin is not"):
        assert found["twin"].__module__ == "twin_losses.twin"
    assert found.twin is found["twin"] and len(found) == 1


def test_a_package_of_others_that_cannot_be_imported_is_named(shelf):
    shelf.put("acme_broken.py", "raise ValueError('no licence')")
    shelf.install("acme-broken", {"broken": "acme_broken"})
    found = shelf.catalogue("calm_losses", "loss", **losses_of("own"))
    with pytest.raises(
        ImportError, match=r"'broken' = 'acme_broken' \(steepest.items\) cannot be imported: no licence"
    ):
        found.names()
    assert found.own.name == "own"  # what is named is still found


def test_the_real_catalogue_takes_an_item_of_others(shelf, monkeypatch):
    import torch

    from steepest import losses

    shelf.put("acme_real.py", LOSS.format(name="acme_real_loss", factor=5))
    shelf.install("acme-real", {"real": "acme_real"})
    monkeypatch.setitem(losses.__dict__, "_all", None)  # as in a fresh process
    assert "acme_real_loss" in losses and "mse" in losses
    assert losses["acme_real_loss"](torch.ones(2), torch.zeros(2)) == 5
