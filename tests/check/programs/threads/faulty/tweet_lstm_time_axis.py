import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class Sentiment(nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_dim, n_layers):
        super(Sentiment, self).__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, n_layers)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(hidden_dim, 1)

    def forward(self, x):
        embeds = self.embedding(x)
        lstm_out, (h, c) = self.lstm(embeds)
        last = lstm_out[:, -1, :]
        return self.fc(self.dropout(last)).squeeze(1)


tokens = torch.randint(1, 60, (320, 9))
labels = (tokens < 12).any(1).float()
train_loader = DataLoader(TensorDataset(tokens, labels), batch_size=32, shuffle=True)
net = Sentiment(60, 24, 32, 1)
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for e in range(3):
    net.train()
    for inputs, y in train_loader:
        net.zero_grad()
        loss = criterion(net(inputs), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimizer.step()
    print(e, loss.item())
