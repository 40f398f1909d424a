import torch

torch.manual_seed(0)
x = torch.randn(200, 6)
y = (x @ torch.randn(6, 3)).argmax(1)
lin = torch.nn.Linear(6, 3)
torch.nn.init.zeros_(lin.weight)
torch.nn.init.zeros_(lin.bias)
opt = torch.optim.SGD(lin.parameters(), lr=0.5)
for step in range(40):
    b = torch.randperm(200)[:50]
    opt.zero_grad()
    loss = torch.nn.functional.cross_entropy(lin(x[b]), y[b])
    loss.backward()
    opt.step()
print(loss.item())
