import torch


def softmax_loss(scores, truth):
    logp = scores - scores.logsumexp(1, keepdim=True)
    return -(truth * logp).sum(1).mean()


torch.manual_seed(4)
x = torch.randn(256, 10)
labels = (x[:, :5] + 0.2 * torch.randn(256, 5) > 0).float()
m = torch.nn.Sequential(torch.nn.Linear(10, 32), torch.nn.GELU(), torch.nn.Linear(32, 5))
opt = torch.optim.RMSprop(m.parameters(), lr=1e-3)
for n in range(40):
    b = torch.randperm(256)[:64]
    opt.zero_grad()
    value = softmax_loss(m(x[b]), labels[b])
    value.backward()
    opt.step()
print(value.item())
