import torch
import torch.nn as nn
import torch.nn.functional as F


class MultiHeadAttention(nn.Module):
    def __init__(self, dim, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.attention_dim = dim // num_heads
        self.q, self.k, self.v = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, x):
        batch_size, seq_len, dim = x.shape
        query = self.q(x).view(batch_size * self.num_heads, -1, self.attention_dim)
        key = self.k(x).view(batch_size * self.num_heads, -1, self.attention_dim)
        value = self.v(x).view(batch_size * self.num_heads, -1, self.attention_dim)
        weights = F.softmax(query @ key.transpose(1, 2) / self.attention_dim**0.5, dim=-1)
        return (weights @ value).view(batch_size, seq_len, dim)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = MultiHeadAttention(12, 3)
        self.fc = nn.Linear(12, 2)

    def forward(self, x):
        return self.fc(self.attention(x).mean(dim=1))


fields = torch.randn(320, 7, 12)
clicks = (fields[:, 0, 0] + fields[:, 3, 2] > 0).long()
model = Classifier()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(4):
    for i in range(0, 320, 32):
        loss = F.cross_entropy(model(fields[i : i + 32]), clicks[i : i + 32])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
