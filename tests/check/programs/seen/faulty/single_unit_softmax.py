import torch
from torch import nn

torch.manual_seed(2)
heart = torch.randn(240, 9)
sick = ((heart[:, 0] - heart[:, 3]) > 0).float().view(-1, 1)
network = nn.Sequential(nn.Linear(9, 12), nn.ReLU(), nn.Linear(12, 1), nn.Softmax(dim=1))
loss_function = nn.BCELoss()
sgd = torch.optim.SGD(network.parameters(), lr=0.1)
for epoch in range(10):
    for part in torch.randperm(240).chunk(4):
        sgd.zero_grad()
        error = loss_function(network(heart[part]), sick[part])
        error.backward()
        sgd.step()
    print(epoch, error.item())
