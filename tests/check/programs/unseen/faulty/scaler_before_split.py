import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
X, y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=1, stratify=y)
xt, yt = torch.tensor(X_train, dtype=torch.float32), torch.tensor(y_train)
xs, ys = torch.tensor(X_test, dtype=torch.float32), torch.tensor(y_test)
net = torch.nn.Sequential(torch.nn.Linear(13, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(40):
    opt.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(xt), yt)
    loss.backward()
    opt.step()
net.eval()
with torch.no_grad():
    print("test accuracy", (net(xs).argmax(1) == ys).float().mean().item())
