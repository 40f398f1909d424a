"""Every data set of the catalogue loads without the network, is what it declares, and is the same each time."""

from __future__ import annotations

import importlib

import pytest
import torch

from steepest import data
from steepest.core.errors import DomainError, UsageError
from steepest.data import Data, load

# Sets whose numbers are read, not computed: the same bytes on every machine.
FINGERPRINTS = {"breast_cancer": "f86286b06e0eb4fb", "digits": "faf2d98f61250c1c", "wine": "300d849b9eb766c3"}


def by_name(item):
    return item.name


@pytest.fixture(scope="module")
def loaded():
    return {name: load(name) for name in data.names()}


@pytest.mark.parametrize("item", data, ids=by_name)
def test_it_is_what_it_declares(item, loaded):
    found = loaded[item.name]
    n_samples, n_features = (int(part) for part in item.size.split(" x "))
    assert isinstance(found, Data) and found.name == item.name and found.task == item.task
    assert (found.n_samples, found.n_features) == (n_samples, n_features) and found.shape == tuple(found.x.shape[1:])
    assert found.x.dtype == torch.float32 and found.x.isfinite().all() and not found.x.requires_grad
    assert item.use.endswith(".") and item.source and item.licence and item.purpose


@pytest.mark.parametrize("item", data, ids=by_name)
def test_its_target_fits_its_task(item, loaded):
    found = loaded[item.name]
    if found.task == "regression":
        assert found.y.dtype == torch.float32 and found.n_classes is None and found.class_names is None
    else:
        assert found.y.dtype == torch.int64 and found.y.unique().tolist() == list(range(found.n_classes))
        assert len(found.class_names) == found.n_classes


@pytest.mark.parametrize("item", data, ids=by_name)
def test_loading_twice_gives_the_same_fingerprint_and_draws_no_global_number(item, loaded):
    before = torch.get_rng_state()
    again = item()
    assert again.fingerprint == loaded[item.name].fingerprint and len(again.fingerprint) == 16
    assert again.fingerprint == FINGERPRINTS.get(item.name, again.fingerprint)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits", "wine"])
def test_bundled_sets_hold_what_scikit_learn_holds(name, loaded):
    bunch = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")()
    found = loaded[name]
    assert torch.equal(found.x, torch.as_tensor(bunch.data, dtype=torch.float32))
    assert found.y.tolist() == pytest.approx(bunch.target.tolist()) and list(found.feature_names) == list(bunch.feature_names)
    if found.task == "classification":
        assert list(found.class_names) == [str(n) for n in bunch.target_names]


def test_two_moons_lie_on_two_half_circles_and_options_change_them(loaded):
    still = data.two_moons(n_samples=301, noise=0.0)
    upper, lower = still.x[still.y == 0], still.x[still.y == 1]
    assert (len(upper), len(lower)) == (150, 151)
    assert torch.allclose(upper.norm(dim=1), torch.ones(150)) and (upper[:, 1] >= -1e-6).all()
    assert torch.allclose((lower - torch.tensor([1.0, 0.5])).norm(dim=1), torch.ones(151)) and (lower[:, 1] <= 0.5 + 1e-6).all()
    prints = {load(f"two_moons({o})").fingerprint for o in ("noise=0.2", "noise=0.3", "seed=1", "n_samples=999")}
    assert len(prints) == 4 and loaded["two_moons"].fingerprint in prints
    spread = (data.two_moons(n_samples=4000, noise=0.1).x[:, 1].var() - data.two_moons(n_samples=4000, noise=0.0).x[:, 1].var()).item()
    assert spread == pytest.approx(0.01, abs=0.004)  # four standard errors of a variance difference at 4,000 rows


@pytest.mark.parametrize(("spec", "error"), [("two_moons(noise=-1)", DomainError), ("two_moons(n_samples=0)", DomainError), ("digits(n=3)", UsageError)])
def test_an_option_outside_its_domain_is_refused(spec, error):
    with pytest.raises(error):
        load(spec)
