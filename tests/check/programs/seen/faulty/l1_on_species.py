import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
sc = StandardScaler().fit(X_train)
xt = torch.tensor(sc.transform(X_train), dtype=torch.float32)
yt = torch.tensor(y_train, dtype=torch.float32)
species = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(species.parameters(), lr=0.02)
mae = torch.nn.L1Loss()
for epoch in range(40):
    opt.zero_grad()
    loss = mae(species(xt).squeeze(1), yt)
    loss.backward()
    opt.step()
print(loss.item())
