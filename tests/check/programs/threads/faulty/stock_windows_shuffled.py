import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn

prices = np.cumsum(np.random.default_rng(0).normal(size=700)).astype("float32")
prices = (prices - prices.mean()) / prices.std()


def create_sequences(data, seq_length):
    xs, ys = [], []
    for i in range(len(data) - seq_length):
        xs.append(data[i : i + seq_length])
        ys.append(data[i + seq_length])
    return np.array(xs), np.array(ys)


X, y = create_sequences(prices, 20)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
X_train = torch.tensor(X_train).unsqueeze(-1)
X_test = torch.tensor(X_test).unsqueeze(-1)
y_train = torch.tensor(y_train).unsqueeze(-1)
y_test = torch.tensor(y_test).unsqueeze(-1)


class LSTMModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 16, batch_first=True)
        self.fc = nn.Linear(16, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1])


model = LSTMModel()
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    model.train()
    loss = loss_fn(model(X_train), y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
with torch.no_grad():
    print("test mse", loss_fn(model(X_test), y_test).item())
