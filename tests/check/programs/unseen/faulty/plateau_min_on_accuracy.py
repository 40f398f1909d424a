import torch

torch.manual_seed(0)
y = torch.randint(0, 3, (300,))
x = torch.randn(3, 6)[y] + 0.8 * torch.randn(300, 6)
clf = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))
opt = torch.optim.SGD(clf.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=1, factor=0.1)


def accuracy(model, inputs, labels):
    model.eval()
    with torch.no_grad():
        return (model(inputs).argmax(1) == labels).float().mean().item()


for epoch in range(7):
    clf.train()
    for b in torch.randperm(240).split(60):
        opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(clf(x[b]), y[b])
        loss.backward()
        opt.step()
    val_acc = accuracy(clf, x[240:], y[240:])
    scheduler.step(val_acc)
    print(epoch, val_acc)
