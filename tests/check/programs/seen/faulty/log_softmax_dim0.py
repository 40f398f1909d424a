import torch
import torch.nn.functional as F

torch.manual_seed(0)
means = 2 * torch.randn(4, 10)
y = torch.randint(4, (200,))
x = means[y] + torch.randn(200, 10)
W1 = (0.3 * torch.randn(10, 32)).requires_grad_()
b1 = torch.zeros(32, requires_grad=True)
W2 = (0.2 * torch.randn(32, 4)).requires_grad_()
b2 = torch.zeros(4, requires_grad=True)
opt = torch.optim.Adam([W1, b1, W2, b2], lr=5e-3)


def predict(inputs):
    return F.log_softmax(torch.relu(inputs @ W1 + b1) @ W2 + b2, dim=0)


for step in range(40):
    idx = torch.randperm(200)[:40]
    opt.zero_grad()
    loss = F.nll_loss(predict(x[idx]), y[idx])
    loss.backward()
    opt.step()
print(loss.item())
