import torch

torch.manual_seed(0)
x = torch.randn(300, 5)
grade = torch.bucketize(x[:, 0] + 0.2 * torch.randn(300), torch.tensor([-0.8, 0.0, 0.8]))
above = (grade[:, None] > torch.arange(3)).float()
net = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(40):
    b = torch.randperm(300)[:60]
    opt.zero_grad()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(net(x[b]), above[b])
    loss.backward()
    opt.step()
print(loss.item())
