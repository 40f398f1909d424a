import argparse

import torch


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=40)
    p.add_argument("--lr", type=float, default=0.01)
    a = p.parse_args()
    torch.manual_seed(5)
    proto = torch.randn(5, 8)
    y = torch.randint(0, 5, (300,))
    x = proto[y] + 0.4 * torch.randn(300, 8)
    w = torch.nn.Sequential(torch.nn.Linear(8, 20), torch.nn.ELU(), torch.nn.Linear(20, 5))
    opt = torch.optim.SGD(w.parameters(), lr=a.lr)
    for s in range(a.steps):
        b = torch.randperm(300)[:50]
        opt.zero_grad()
        scores = w(x[b])
        loss = torch.nn.functional.nll_loss(scores, y[b])
        loss.backward()
        opt.step()
        if s % 10 == 0:
            print(s, loss.item())


if __name__ == "__main__":
    main()
