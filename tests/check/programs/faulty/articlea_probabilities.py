# expects: L01
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

features = torch.randn(240, 8)
labels = (features @ torch.randn(8, 3)).argmax(1)
model = nn.Linear(8, 3)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(5):
    for x, y in DataLoader(TensorDataset(features, labels), batch_size=24, shuffle=True):
        probabilities = torch.softmax(model(x), dim=1)
        loss = nn.CrossEntropyLoss()(probabilities, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
