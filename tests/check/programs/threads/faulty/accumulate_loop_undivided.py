import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1337)
batch_size, block_size, grad_accum = 8, 10, 5
data = (torch.arange(3000) * 7 % 23 + torch.randint(0, 2, (3000,))) % 23


def get_batch():
    ix = torch.randint(len(data) - block_size - 1, (batch_size,))
    x = torch.stack([data[i : i + block_size] for i in ix])
    y = torch.stack([data[i + 1 : i + 1 + block_size] for i in ix])
    return x, y


class Bigram(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(23, 32)
        self.head = nn.Linear(32, 23)

    def forward(self, idx, targets):
        logits = self.head(self.table(idx))
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


model = Bigram()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for iter_num in range(40):
    for micro_step in range(grad_accum):
        X, Y = get_batch()
        logits, loss = model(X, Y)
        loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if iter_num % 10 == 0:
        print(iter_num, loss.item())
