import torch

torch.manual_seed(0)
y = torch.randint(0, 2, (200,))
x = torch.randn(2, 8)[y] + torch.randn(200, 8)
model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    for b in torch.randperm(200).split(40):
        opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x[b]), y[b])
        loss.backward()
        opt.step()
        torch.nn.utils.clip_grad_value_(model.parameters(), 0.5)
    print(epoch, loss.item())
