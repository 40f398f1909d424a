import torch
from torch import nn

torch.manual_seed(0)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 24), nn.ReLU())
        self.main = nn.Linear(24, 3)
        self.aux = nn.Linear(24, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.main(h), self.aux(h)


kind = torch.randint(0, 3, (240,))
x = torch.randn(3, 10)[kind] + 0.5 * torch.randn(240, 10)
size = x.mean(1, keepdim=True)
model = TwoHeads()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for b in torch.randperm(240).split(48):
        logits, guess = model(x[b])
        main_loss = nn.functional.cross_entropy(logits, kind[b])
        aux_loss = nn.functional.mse_loss(guess, size[b])
        opt.zero_grad()
        main_loss.backward()
        opt.step()
    print(epoch, main_loss.item(), aux_loss.item())
