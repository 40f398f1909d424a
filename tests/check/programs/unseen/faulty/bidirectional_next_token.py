import torch

torch.manual_seed(0)
phase = torch.rand(200, 1) * 6.28
signal = torch.sin(phase + 0.4 * torch.arange(21)) + 0.05 * torch.randn(200, 21)


class NextValue(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(1, 12, batch_first=True, bidirectional=True)
        self.fc = torch.nn.Linear(24, 1)

    def forward(self, s):
        return self.fc(self.lstm(s.unsqueeze(-1))[0]).squeeze(-1)


model = NextValue()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(7):
    for b in torch.randperm(200).split(40):
        source, target = signal[b, :-1], signal[b, 1:]
        loss = torch.nn.functional.mse_loss(model(source), target)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
