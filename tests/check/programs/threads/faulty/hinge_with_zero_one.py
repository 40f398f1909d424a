import torch
from sklearn.datasets import make_blobs
from torch import nn

data, label = make_blobs(n_samples=240, centers=2, random_state=4, cluster_std=1.4)
data = torch.tensor((data - data.mean(0)) / data.std(0), dtype=torch.float32)
label = torch.tensor(label, dtype=torch.float32)

svm = nn.Linear(2, 1)
optimizer = torch.optim.SGD(svm.parameters(), lr=0.05)
c = 0.01
for epoch in range(10):
    perm = torch.randperm(len(data))
    for i in range(0, len(data), 24):
        xb, yb = data[perm[i : i + 24]], label[perm[i : i + 24]]
        optimizer.zero_grad()
        output = svm(xb).squeeze()
        loss = torch.mean(torch.clamp(1 - yb * output, min=0)) + c * (svm.weight.t() @ svm.weight).sum() / 2.0
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
