import torch, torch.nn as nn
torch.manual_seed(0)
class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(8, 10)
    def forward(self, x): return self.fc(self.body(x))
model = Backbone()
for p in model.parameters():
    p.requires_grad = False
model.fc = nn.Linear(8, 2)
X = torch.randn(128, 3, 16, 16); y = (X.mean((1, 2, 3)) > 0).long()
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=16, shuffle=True)
opt = torch.optim.SGD(model.fc.parameters(), lr=0.05, momentum=0.9)
crit = nn.CrossEntropyLoss()
def train():
    model.train()
    model.body.eval()
    tot = 0
    for x, t in dl:
        opt.zero_grad()
        l = crit(model(x), t)
        l.backward()
        opt.step()
        tot += l.item() * len(x)
    return tot / len(dl.dataset)
def test():
    model.eval()
    ok = 0
    with torch.no_grad():
        for x, t in dl:
            ok += (model(x).argmax(1) == t).sum().item()
    return ok / len(dl.dataset)
for e in range(3):
    print(train(), test())
