import torch


class Stack(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = torch.nn.Linear(6, 32), torch.nn.Linear(32, 32), torch.nn.Linear(32, 1)

    def forward(self, x):
        return self.fc3(self.fc2(self.fc1(x)))


torch.manual_seed(0)
x = torch.randn(240, 6)
y = x[:, :1] ** 2 - x[:, 1:2]
net = Stack()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(7):
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
