import torch
torch.manual_seed(0)
w = torch.randn(3, requires_grad=True); b = torch.zeros(1, requires_grad=True)
X = torch.randn(100, 3); y = X @ torch.tensor([1., -2., 3.]) + 0.5
for i in range(100):
    loss = ((X @ w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad; b -= 0.1 * b.grad
        w.grad.zero_(); b.grad.zero_()
print(w, b)
