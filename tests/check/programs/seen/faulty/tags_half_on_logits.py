import torch
from sklearn.metrics import f1_score

torch.manual_seed(0)
x = torch.randn(300, 8)
tags = (x[:, :4] + 0.3 * torch.randn(300, 4) > 0.3).float()
net = torch.nn.Sequential(torch.nn.Linear(8, 24), torch.nn.ReLU(), torch.nn.Linear(24, 4))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(30):
    b = torch.randperm(240)[:60]
    opt.zero_grad()
    torch.nn.functional.binary_cross_entropy_with_logits(net(x[b]), tags[b]).backward()
    opt.step()
net.eval()
with torch.no_grad():
    logits = net(x[240:])
chosen = (logits >= 0.5).int()
print(f1_score(tags[240:].int().numpy(), chosen.numpy(), average="micro"))
