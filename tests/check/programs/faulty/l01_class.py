# expects: L01
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(10, 32); self.fc2 = nn.Linear(32, 4)
        self.softmax = nn.Softmax(dim=-1)
    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return self.softmax(x)
net = Net(); criterion = nn.CrossEntropyLoss(); optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
X = torch.randn(200, 10); Y = X[:, :4].argmax(1)
for epoch in range(10):
    out = net(X); loss = criterion(out, Y)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
