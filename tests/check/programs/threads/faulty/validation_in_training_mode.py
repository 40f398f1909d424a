import torch
import torch.nn as nn
import torch.utils.data as data


class Net(nn.Module):
    def __init__(self, bands, classes):
        super().__init__()
        self.fc1 = nn.Linear(bands, 64)
        self.bn1 = nn.BatchNorm1d(64)
        self.drop = nn.Dropout(p=0.5)
        self.fc2 = nn.Linear(64, classes)

    def forward(self, x):
        return self.fc2(self.drop(torch.relu(self.bn1(self.fc1(x)))))


def train(net, optimizer, criterion, data_loader, epoch, val_loader):
    net.train()
    for e in range(epoch):
        for batch_idx, (x, target) in enumerate(data_loader):
            optimizer.zero_grad()
            output = net(x)
            loss = criterion(output, target)
            loss.backward()
            optimizer.step()
        print(e, val(net, val_loader))


def val(net, data_loader):
    accuracy, total = 0.0, 0.0
    for batch_idx, (x, target) in enumerate(data_loader):
        with torch.no_grad():
            output = net(x)
            _, output = torch.max(output, dim=1)
            for out, pred in zip(output.view(-1), target.view(-1)):
                accuracy += out.item() == pred.item()
                total += 1
    return accuracy / total


pixels = torch.randn(400, 25)
labels = pixels[:, ::6].argmax(1)
dataset = data.TensorDataset(pixels, labels)
train_set, val_set = data.random_split(dataset, [320, 80])
net = Net(25, 5)
train(
    net,
    torch.optim.Adam(net.parameters(), lr=1e-3),
    nn.CrossEntropyLoss(),
    data.DataLoader(train_set, 32, shuffle=True),
    3,
    data.DataLoader(val_set, 40),
)
