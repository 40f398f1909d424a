import torch


def nll(logits, label):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    prob = shifted.exp() / shifted.exp().sum(dim=1, keepdim=True)
    chosen = prob.gather(1, label[:, None]).squeeze(1)
    return -torch.log(chosen.clamp_min(1e-12)).mean()


torch.manual_seed(0)
label = torch.randint(0, 4, (200,))
x = torch.randn(4, 6)[label] + 0.4 * torch.randn(200, 6)
model = torch.nn.Sequential(torch.nn.Linear(6, 20), torch.nn.Tanh(), torch.nn.Linear(20, 4))
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for t in range(40):
    b = torch.randperm(200)[:50]
    opt.zero_grad()
    loss = nll(model(x[b]), label[b])
    loss.backward()
    opt.step()
print(loss.item())
