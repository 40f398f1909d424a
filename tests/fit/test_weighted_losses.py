"""A loss whose factor follows the steps does so in a run, and each epoch's mean is that of the weights in force."""

from __future__ import annotations

import torch
from torch import nn

from steepest import losses
from steepest.fit import fit
from steepest.fit.batches import Rows


def ramp(step):
    return step.double() / 10


def net():
    torch.manual_seed(3)
    return nn.Linear(4, 3).double()


def rows():
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(50, 4, generator=draw, dtype=torch.float64)
    return x, (x @ torch.randn(4, 3, generator=draw, dtype=torch.float64)).argmax(1)


def test_a_factor_that_follows_the_steps_does_so_in_a_run():
    x, y = rows()
    ours, theirs = net(), net()
    both = losses.CrossEntropy() + losses.Weighted(losses.Square(), ramp)
    for _ in range(2):  # a second run begins at step 0 again
        ours.load_state_dict(theirs.state_dict())
        fit(
            ours, (x, y), loss=both, optimizer=torch.optim.SGD(ours.parameters(), lr=0.1), schedule=None,
            epochs=2, batch_size=20, seed=7, progress=False,
        )  # fmt: skip
    optimizer, order, step = torch.optim.SGD(theirs.parameters(), lr=0.1), Rows(x, y, batch_size=20, seed=7), 0
    for epoch in range(2):
        for index in order.order(epoch).split(20):
            optimizer.zero_grad()
            output = theirs(x[index])
            square = (output - nn.functional.one_hot(y[index], 3)).square().mean()
            (nn.functional.cross_entropy(output, y[index]) + step / 10 * square).backward()
            optimizer.step()
            step += 1
    for mine, other in zip(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-13)


def test_an_epochs_mean_of_a_focused_loss_is_the_mean_over_all_its_rows():
    """Uneven batches, whose weights the model gives: their means do not average to it."""
    x, y = rows()
    model = net()
    history = fit(
        model, (x, y), loss=losses.CrossEntropy(focus=2.0), optimizer=torch.optim.SGD(model.parameters(), lr=0.0),
        schedule=None, epochs=1, batch_size=20, seed=7, progress=False,
    )  # fmt: skip
    exact = losses.cross_entropy(model(x), y, focus=2.0).item()
    assert abs(history["loss"][0] - exact) < 1e-12
