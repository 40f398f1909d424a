import pandas as pd
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

frame = load_breast_cancer(as_frame=True).frame
features = frame.drop(columns="target")
scaler = MinMaxScaler()
features = pd.DataFrame(scaler.fit_transform(features), columns=features.columns)
X_train, X_val, y_train, y_val = train_test_split(
    features.values, frame["target"].values, test_size=0.2, random_state=7
)

train_ds = TensorDataset(torch.tensor(X_train).float(), torch.tensor(y_train).float().view(-1, 1))
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(4):
    for xb, yb in DataLoader(train_ds, batch_size=35, shuffle=True):
        optimizer.zero_grad()
        criterion(model(xb), yb).backward()
        optimizer.step()
    with torch.no_grad():
        logits = model(torch.tensor(X_val).float()).flatten()
        print(epoch, ((logits > 0) == torch.tensor(y_val).bool()).float().mean().item())
