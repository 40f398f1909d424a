"""The programs that the checks show as bad and good: one small training script, of which a check changes the part that matters."""

from __future__ import annotations

from textwrap import indent

HEAD = """\
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
"""
CLASSES = """\
X = torch.randn(240, 8)
y = (X @ torch.randn(8, 3)).argmax(1)
"""
BINARY = """\
X = torch.randn(240, 8)
y = (X @ torch.randn(8, 1) > 0).float()
"""
NUMBERS = """\
X = torch.randn(240, 8)
y = X @ torch.randn(8, 1) + 0.1 * torch.randn(240, 1)
"""
TOKENS = """\
text = torch.cumsum(torch.randint(1, 3, (240, 13)), dim=1) % 11
X, y = text[:, :-1], text[:, 1:]
"""
WORDS = """\
class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 16)
        self.rnn = nn.GRU(16, 16, batch_first=True)
        self.head = nn.Linear(16, 11)

    def forward(self, x):
        return self.head(self.rnn(self.embed(x))[0]).transpose(1, 2)

model = Words()
"""
MLP3 = "model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))\n"
MLP1 = "model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))\n"
STEP = """\
optimizer.zero_grad()
loss = loss_fn(model(xb), yb)
loss.backward()
optimizer.step()
"""
ADAM = "optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)\n"
LOADER = "loader = DataLoader(TensorDataset(X, y), batch_size=24, shuffle=True)\n"


def training(
    *,
    data: str = CLASSES,
    loader: str = LOADER,
    model: str = MLP3,
    loss: str = "loss_fn = nn.CrossEntropyLoss()\n",
    optimizer: str = ADAM,
    epochs: int = 3,
    epoch: str = "",
    step: str = STEP,
    after_epoch: str = "",
    after: str = "",
    imports: str = "",
) -> str:
    """A whole script; epoch and after_epoch stand in the loop over epochs, step in the loop over batches."""
    loop = f"for epoch in range({epochs}):\n{indent(epoch, ' ' * 4)}    for xb, yb in loader:\n{indent(step, ' ' * 8)}"
    return imports + HEAD + data + loader + model + loss + optimizer + loop + indent(after_epoch, " " * 4) + after


def classifier(last: str = "", loss: str = "loss_fn = nn.CrossEntropyLoss()\n") -> str:
    """Three classes; `last` is a further layer at the end of the model."""
    return training(model=MLP3.replace("3))", f"3){last})"), loss=loss)
