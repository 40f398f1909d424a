import torch
from sklearn.datasets import load_digits

torch.manual_seed(0)
x = torch.tensor(load_digits().data[:512], dtype=torch.float32) / 16
enc = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.Tanh())
dec = torch.nn.Linear(16, 64)
oe, od = torch.optim.Adam(enc.parameters(), 3e-3), torch.optim.Adam(dec.parameters(), 3e-3)
for epoch in range(5):
    for b in torch.randperm(512).split(64):
        for o in (oe, od):
            o.zero_grad()
        loss = torch.nn.functional.mse_loss(dec(enc(x[b])), x[b])
        loss.backward()
        for o in (oe, od):
            o.step()
    print(epoch, loss.item())
