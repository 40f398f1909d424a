import torch


class EarlyStopping:
    def __init__(self, patience=2):
        self.patience, self.bad, self.best, self.state = patience, 0, None, None

    def __call__(self, loss, model):
        if self.best is None or loss < self.best:
            self.best, self.bad = loss, 0
            self.state = dict(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


torch.manual_seed(0)
y = torch.randint(0, 2, (260,))
x = torch.randn(2, 6)[y] + torch.randn(260, 6)
net = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.ReLU(), torch.nn.Linear(24, 2))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
stop = EarlyStopping()
for epoch in range(6):
    net.train()
    for b in torch.randperm(200).split(40):
        opt.zero_grad()
        torch.nn.functional.cross_entropy(net(x[b]), y[b]).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        held = torch.nn.functional.cross_entropy(net(x[200:]), y[200:]).item()
    if stop(held, net):
        break
net.load_state_dict(stop.state)
print(stop.best)
