import torch
from sklearn.datasets import load_digits

torch.manual_seed(0)
x = torch.tensor(load_digits().data[:512], dtype=torch.float32) / 16
ae = torch.nn.Sequential(torch.nn.Linear(64, 20), torch.nn.ReLU(), torch.nn.Linear(20, 64), torch.nn.Sigmoid())
opt = torch.optim.Adam(ae.parameters(), lr=3e-3)
for epoch in range(5):
    for b in torch.randperm(512).split(64):
        noisy = x[b] + 0.2 * torch.randn(len(b), 64)
        loss = torch.nn.functional.binary_cross_entropy(ae(noisy), x[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
