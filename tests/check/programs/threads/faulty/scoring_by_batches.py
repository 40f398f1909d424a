import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

faces = torch.randn(530, 15)
emotions = faces[:, :7].argmax(1)
train_loader = DataLoader(TensorDataset(faces[:400], emotions[:400]), batch_size=40, shuffle=True)
test_loader = DataLoader(TensorDataset(faces[400:], emotions[400:]), batch_size=48)
model = nn.Sequential(nn.Linear(15, 40), nn.ReLU(), nn.Linear(40, 7))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(3):
    model.train()
    for data, label in train_loader:
        optimizer.zero_grad()
        criterion(model(data), label).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        epoch_val_accuracy = 0
        epoch_val_loss = 0
        for data, label in test_loader:
            val_output = model(data)
            val_loss = criterion(val_output, label)
            acc = (val_output.argmax(dim=1) == label).float().mean()
            epoch_val_accuracy += acc / len(test_loader)
            epoch_val_loss += val_loss / len(test_loader)
    print(f"epoch {epoch}: val loss {epoch_val_loss:.4f} - val acc {epoch_val_accuracy:.4f}")
