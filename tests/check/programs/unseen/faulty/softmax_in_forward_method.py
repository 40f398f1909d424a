import torch
import torch.nn.functional as F


class Iris(torch.nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.hidden = torch.nn.Linear(n_in, 24)
        self.out = torch.nn.Linear(24, n_out)

    def forward(self, x):
        h = torch.tanh(self.hidden(x))
        return F.softmax(self.out(h), dim=-1)


class Trainer:
    def __init__(self, model, lr=0.05):
        self.model = model
        self.opt = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)

    def step(self, xb, yb):
        self.opt.zero_grad()
        value = F.cross_entropy(self.model(xb), yb)
        value.backward()
        self.opt.step()
        return value.item()


if __name__ == "__main__":
    torch.manual_seed(3)
    centres = torch.randn(3, 4) * 2
    kind = torch.randint(0, 3, (150,))
    flowers = centres[kind] + 0.5 * torch.randn(150, 4)
    trainer = Trainer(Iris(4, 3))
    for turn in range(35):
        rows = torch.randperm(150)[:50]
        print(turn, trainer.step(flowers[rows], kind[rows]))
