import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)


class TextCNN(nn.Module):
    def __init__(self, vocab=50, dim=16, classes=4):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.conv = nn.Conv1d(dim, 24, 3)
        self.fc = nn.Linear(24, classes)

    def forward(self, tokens):
        z = F.relu(self.conv(self.emb(tokens).transpose(1, 2))).amax(-1)
        return F.softmax(self.fc(z), dim=1)


label = torch.randint(0, 4, (256,))
tokens = torch.randint(0, 10, (256, 12)) + 10 * label[:, None]
model, criterion = TextCNN(), nn.NLLLoss()
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(8):
    for k in torch.randperm(256).split(64):
        optimizer.zero_grad()
        loss = criterion(model(tokens[k]), label[k])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f}")
