import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

epochs = 6
x = torch.randn(512, 10)
y = (x.pow(2).sum(1) > 10).long()
train_dl = DataLoader(TensorDataset(x, y), 32, shuffle=True)


def fit_one_cycle(epochs, max_lr, model, train_loader, opt_func=torch.optim.SGD):
    optimizer = opt_func(model.parameters(), max_lr, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr, epochs=epochs, steps_per_epoch=len(train_loader))
    history = []
    for epoch in range(epochs):
        model.train()
        lrs = []
        for batch in train_loader:
            inputs, labels = batch
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            nn.utils.clip_grad_value_(model.parameters(), 0.1)
            optimizer.step()
            optimizer.zero_grad()
        lrs.append(optimizer.param_groups[0]["lr"])
        sched.step()
        history.append((loss.item(), lrs))
    return history


print(
    fit_one_cycle(
        epochs, 0.05, nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2)), train_dl, torch.optim.Adam
    )
)
