import copy, torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split
torch.manual_seed(0)
class Trainer:
    def __init__(self, model, lr=1e-2, patience=3):
        self.model, self.opt = model, torch.optim.Adam(model.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.ReduceLROnPlateau(self.opt, mode="min", factor=0.5, patience=1)
        self.crit, self.patience = nn.CrossEntropyLoss(label_smoothing=0.1), patience
        self.best, self.best_state, self.bad = float("inf"), None, 0
    def fit_epoch(self, dl):
        self.model.train()
        for x, y in dl:
            self.opt.zero_grad(set_to_none=True)
            loss = self.crit(self.model(x), y)
            loss.backward()
            self.opt.step()
    @torch.no_grad()
    def evaluate(self, dl):
        self.model.eval()
        tot, n = 0.0, 0
        for x, y in dl:
            tot += self.crit(self.model(x), y).item() * len(y); n += len(y)
        return tot / n
    def fit(self, tr, va, epochs):
        for e in range(epochs):
            self.fit_epoch(tr)
            v = self.evaluate(va)
            self.sched.step(v)
            if v < self.best:
                self.best, self.best_state, self.bad = v, copy.deepcopy(self.model.state_dict()), 0
            else:
                self.bad += 1
                if self.bad >= self.patience: break
        self.model.load_state_dict(self.best_state)
X = torch.randn(600, 9); y = (X[:, :3].sum(1) > 0).long() + (X[:, 3] > 1).long()
tr, va, te = random_split(TensorDataset(X, y), [400, 100, 100])
model = nn.Sequential(nn.Linear(9, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 3))
t = Trainer(model)
t.fit(DataLoader(tr, 32, shuffle=True), DataLoader(va, 64), 6)
print(t.evaluate(DataLoader(te, 64)))
