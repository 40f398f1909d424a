"""The loss of an epoch is running_loss / len(loader)

The last batch is smaller and counts as much as the others. Sums of `parts` are exact.
"""

import torch

from steepest import losses

x, y = torch.randn(70, 10), torch.randint(10, (70,))
batches = [(x[:64], y[:64]), (x[64:], y[64:])]
running = sum(losses.cross_entropy(*batch) for batch in batches) / 2
numerator, denominator = (sum(parts) for parts in zip(*(losses.cross_entropy.parts(*batch) for batch in batches)))
exact = losses.cross_entropy(x, y)
print(torch.isclose(running, exact), torch.isclose(numerator / denominator, exact))
