import torch
from sklearn.datasets import load_digits

torch.manual_seed(0)
bunch = load_digits()
pixels = torch.tensor(bunch.data[:600], dtype=torch.float32) / 16.0
digit = torch.tensor(bunch.target[:600]).float().reshape(-1, 1)
mlp = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
opt = torch.optim.Adam(mlp.parameters(), lr=1e-3)
loss_fn = torch.nn.MSELoss()
for epoch in range(5):
    for b in torch.randperm(600).split(64):
        loss = loss_fn(mlp(pixels[b]), digit[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
mlp.eval()
with torch.no_grad():
    print("accuracy", (mlp(pixels).round() == digit).float().mean().item())
