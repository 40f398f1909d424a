import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.fc1 = nn.Linear(6 * 5 * 5, 30)
        self.fc2 = nn.Linear(30, 4)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = x.view(-1, 6 * 5 * 5)
        x = F.relu(self.fc1(x))
        x = F.dropout(x, 0.4)
        x = self.fc2(x)
        return F.log_softmax(x, dim=1)


images = torch.rand(320, 1, 12, 12)
labels = (images[:, 0, :6, :6].mean((1, 2)) * 40).long() % 4
train_loader = DataLoader(TensorDataset(images[:240], labels[:240]), batch_size=24, shuffle=True)
test_loader = DataLoader(TensorDataset(images[240:], labels[240:]), batch_size=80)
network = Net()
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.5)
for epoch in range(3):
    network.train()
    for data, target in train_loader:
        optimizer.zero_grad()
        loss = F.nll_loss(network(data), target)
        loss.backward()
        optimizer.step()
    network.eval()
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            correct += (network(data).argmax(1) == target).sum().item()
    print(epoch, correct / len(test_loader.dataset))
