import torch
import torch.nn as nn

series = torch.sin(torch.arange(0, 200, 0.1)).unsqueeze(1)
windows = torch.stack([series[i : i + 21] for i in range(0, 1900, 5)])


class RNNModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(1, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])


model = RNNModel()
opt = torch.optim.SGD(model.parameters(), lr=0.05)
loss_fn = nn.MSELoss()
for epoch in range(4):
    for start in range(0, len(windows), 38):
        batch = windows[start : start + 38]
        opt.zero_grad()
        loss = loss_fn(model(batch[:, :-1]), batch[:, -1])
        loss.backward()
        opt.step()
        nn.utils.clip_grad_norm_(model.parameters(), 10)
    print(epoch, loss.item())
