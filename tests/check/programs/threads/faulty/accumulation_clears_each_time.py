import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

gradient_accumulation_steps = 4
frames = torch.randn(320, 12)
motion = frames @ torch.randn(12, 6) * 0.3
loader = DataLoader(TensorDataset(frames, motion), batch_size=10, shuffle=True)
model = nn.Sequential(nn.Linear(12, 32), nn.Tanh(), nn.Linear(32, 6))
optimizer = optim.AdamW(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()

for epoch in range(4):
    loss_log = []
    for i, (audio, vertice) in enumerate(loader):
        loss = criterion(model(audio), vertice)
        optimizer.zero_grad()
        loss.backward()
        loss_log.append(loss.item())
        if i % gradient_accumulation_steps == 0:
            optimizer.step()
            optimizer.zero_grad()
    print(epoch, sum(loss_log) / len(loss_log))
