import torch

torch.manual_seed(0)
users, items = torch.randint(0, 30, (600,)), torch.randint(0, 20, (600,))
truth = (torch.randn(30, 3) @ torch.randn(3, 20))[users, items]
U, V = torch.nn.Embedding(30, 3), torch.nn.Embedding(20, 3)
opt = torch.optim.Adam([*U.parameters(), *V.parameters()], lr=2e-2)
for epoch in range(8):
    for b in torch.randperm(600).split(120):
        score = (U(users[b]) * V(items[b])).sum(1)
        loss = torch.nn.functional.mse_loss(score, truth[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
