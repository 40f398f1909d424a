import torch

torch.manual_seed(0)
y = torch.randint(0, 4, (256,))
x = torch.randn(4, 16)[y] + 0.6 * torch.randn(256, 16)
net = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
for epoch in range(6):
    for b in torch.randperm(256).split(64):
        opt.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = net(x[b])
        loss = torch.nn.functional.cross_entropy(logits.float(), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
