import torch

torch.manual_seed(0)
x = torch.randn(200, 6)
y = (x[:, 0] * x[:, 1] > 0).float()
svm = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
loss_of = torch.nn.SoftMarginLoss()
opt = torch.optim.Adam(svm.parameters(), lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(200).split(50):
        opt.zero_grad()
        loss = loss_of(svm(x[rows]).flatten(), y[rows])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
