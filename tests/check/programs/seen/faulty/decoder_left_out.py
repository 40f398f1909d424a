import torch
from sklearn.datasets import load_digits

torch.manual_seed(0)
x = torch.tensor(load_digits().data[:512], dtype=torch.float32) / 16
encoder = torch.nn.Sequential(torch.nn.Linear(64, 24), torch.nn.ReLU())
decoder = torch.nn.Sequential(torch.nn.Linear(24, 64), torch.nn.Sigmoid())
optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)
for epoch in range(5):
    for b in torch.randperm(512).split(64):
        loss = torch.nn.functional.mse_loss(decoder(encoder(x[b])), x[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
