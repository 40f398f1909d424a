"""The packages are callable, or catalogues, and travel to other processes all the same."""

import pickle

import pytest

import steepest
from steepest import losses, models, optim


@pytest.mark.parametrize("module", [steepest, losses, models, optim, steepest.compare], ids=lambda m: m.__name__)
def test_a_package_is_pickled_as_its_name(module):
    assert pickle.loads(pickle.dumps(module)) is module


def test_a_function_that_mentions_a_catalogue_travels_as_ray_and_joblib_send_it():
    cloudpickle = pytest.importorskip("cloudpickle")

    def build():
        return models.mlp(4, 2)

    again = pickle.loads(cloudpickle.dumps(build))
    assert sum(p.numel() for p in again().parameters()) == sum(p.numel() for p in build().parameters())
