import torch


def run(net, opt, crit, x, y, epochs):
    for e in range(epochs):
        opt.zero_grad()
        for b in torch.randperm(len(x)).split(32):
            out = net(x[b])
            loss = crit(out, y[b])
            loss.backward()
            opt.step()
        print(e, loss.item())


torch.manual_seed(0)
y = torch.randint(0, 3, (256,))
x = torch.randn(3, 6)[y] + 0.5 * torch.randn(256, 6)
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
run(net, torch.optim.Adam(net.parameters(), lr=1e-3), torch.nn.CrossEntropyLoss(), x, y, 5)
