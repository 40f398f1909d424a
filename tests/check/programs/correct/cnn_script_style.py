import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 16, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(16 * 6 * 6, 32)
        self.fc2 = nn.Linear(32, 10)
    def forward(self, x):
        x = F.relu(self.conv1(x)); x = F.relu(self.conv2(x)); x = F.max_pool2d(x, 2); x = self.dropout1(x)
        x = torch.flatten(x, 1); x = F.relu(self.fc1(x)); x = self.dropout2(x); x = self.fc2(x)
        return F.log_softmax(x, dim=1)
def train(args, model, device, train_loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
def test(model, device, test_loader):
    model.eval()
    test_loss = 0; correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            output = model(data.to(device))
            test_loss += F.nll_loss(output, target, reduction='sum').item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    test_loss /= len(test_loader.dataset)
    print(test_loss, 100. * correct / len(test_loader.dataset))
def main():
    parser = argparse.ArgumentParser(); parser.add_argument('--epochs', type=int, default=3); parser.add_argument('--gamma', type=float, default=0.7); args = parser.parse_args()
    torch.manual_seed(1)
    X = torch.randn(300, 1, 16, 16); y = torch.randint(0, 10, (300,)); X[torch.arange(300), 0, y, y] += 4
    ds1 = torch.utils.data.TensorDataset(X[:200], y[:200]); ds2 = torch.utils.data.TensorDataset(X[200:], y[200:])
    tl = torch.utils.data.DataLoader(ds1, batch_size=32, shuffle=True); te = torch.utils.data.DataLoader(ds2, batch_size=100)
    model = Net().to("cpu"); optimizer = optim.Adadelta(model.parameters(), lr=1.0); scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        train(args, model, "cpu", tl, optimizer, epoch); test(model, "cpu", te); scheduler.step()
    torch.save(model.state_dict(), "mnist_cnn.pt")
if __name__ == '__main__':
    main()
