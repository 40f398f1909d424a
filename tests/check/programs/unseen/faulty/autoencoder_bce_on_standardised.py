import torch
from sklearn.datasets import load_digits

torch.manual_seed(0)
img = torch.tensor(load_digits().data[:512], dtype=torch.float32)
img = (img - img.mean()) / img.std()
enc = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.ReLU())
dec = torch.nn.Sequential(torch.nn.Linear(16, 64))
logits_loss = torch.nn.BCEWithLogitsLoss()
opt = torch.optim.Adam([*enc.parameters(), *dec.parameters()], lr=1e-3)
for epoch in range(5):
    for b in torch.randperm(512).split(64):
        opt.zero_grad()
        loss = logits_loss(dec(enc(img[b])), img[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
