import torch


class Fitter:
    def __init__(self, net):
        self.net = net
        self.opt = torch.optim.SGD(net.parameters(), lr=0.05)
        self.history = []

    def batch(self, x, y):
        self.opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(self.net(x), y)
        loss.backward()
        self.opt.step()
        self.history.append(loss)


torch.manual_seed(0)
kind = torch.randint(0, 3, (300,))
data = torch.randn(3, 5)[kind] + 0.5 * torch.randn(300, 5)
fitter = Fitter(torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3)))
for k in range(40):
    pick = torch.randperm(300)[:50]
    fitter.batch(data[pick], kind[pick])
print(sum(fitter.history).item() / 40)
