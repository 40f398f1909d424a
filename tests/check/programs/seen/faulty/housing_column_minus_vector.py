import torch

torch.manual_seed(0)
rooms = torch.randn(300, 7)
price = rooms @ torch.randn(7) + 0.1 * torch.randn(300)
regressor = torch.nn.Sequential(torch.nn.Linear(7, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
adam = torch.optim.Adam(regressor.parameters(), lr=0.01)
for epoch in range(10):
    order = torch.randperm(300)
    for start in range(0, 300, 60):
        sel = order[start : start + 60]
        pred = regressor(rooms[sel])
        mse = ((pred - price[sel]) ** 2).mean()
        adam.zero_grad()
        mse.backward()
        adam.step()
    print(epoch, mse.item())
