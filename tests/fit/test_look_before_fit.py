"""The look at a few rows before training: it sees several inputs and loaders, and leaves the data where they were."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from steepest.check import CheckFailed
from steepest.fit import fit

X = torch.randn(96, 6, generator=torch.Generator().manual_seed(0))
Y = X[:, :3].argmax(1)


class Two(nn.Module):
    """Two inputs, a softmax too many."""

    def __init__(self, last: nn.Module) -> None:
        super().__init__()
        self.a, self.b, self.last = nn.Linear(6, 3), nn.Linear(6, 3), last

    def forward(self, a, b):
        return self.last(self.a(a) + self.b(b))


class Named(Dataset):
    def __len__(self):
        return len(X)

    def __getitem__(self, i):
        return {"a": X[i], "b": X[i], "label": Y[i]}


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(X[i], Y[i]) for i in range(8)])


FORMS = {
    "a tuple of inputs": lambda: ((X, X), Y),
    "a mapping of inputs": lambda: ({"a": X, "b": X}, Y),
    "a loader of mappings": lambda: DataLoader(Named(), batch_size=16, shuffle=True),
    "a list of batches": lambda: [((X[:32], X[:32]), Y[:32]), ((X[32:], X[32:]), Y[32:])],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_softmax_before_cross_entropy_is_refused_whatever_form_the_data_have(form):
    with pytest.raises(CheckFailed, match="L01"):
        fit(Two(nn.Softmax(1)), FORMS[form](), loss="cross_entropy", epochs=1, progress=False)
    fit(Two(nn.Identity()), FORMS[form](), loss="cross_entropy", epochs=1, progress=False)


def test_looking_at_a_loader_draws_no_batch_and_no_random_number():
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(TensorDataset(X, Y), batch_size=16, shuffle=True, generator=generator)
    model = nn.Sequential(nn.Linear(6, 3), nn.Softmax(1))
    before = torch.get_rng_state(), generator.get_state()
    with pytest.raises(CheckFailed):
        fit(model, loader, loss="cross_entropy", epochs=1, progress=False)
    assert torch.equal(before[0], torch.get_rng_state()) and torch.equal(before[1], generator.get_state())


def test_what_can_only_be_read_in_order_is_left_alone():
    fit(nn.Sequential(nn.Linear(6, 3), nn.Softmax(1)), DataLoader(Stream(), batch_size=4), loss="cross_entropy", epochs=1,
        progress=False)  # fmt: skip
