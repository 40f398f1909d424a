import torch
import torch.nn as nn
import torch.optim as optim


class Backbone(nn.Module):
    def __init__(self, classes=100):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.fc = nn.Linear(8 * 4 * 4, classes)

    def forward(self, x):
        return self.fc(self.features(x))


images = torch.rand(200, 1, 8, 8)
classes = (images[:, 0, :4].mean((1, 2)) > images[:, 0, 4:].mean((1, 2))).long()

model = Backbone()
optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
model.fc = nn.Linear(model.fc.in_features, 2)
criterion = nn.CrossEntropyLoss()

for epoch in range(3):
    model.train()
    running_loss = 0.0
    for i in range(0, 200, 20):
        inputs, labels = images[i : i + 20], classes[i : i + 20]
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * inputs.size(0)
    print(epoch, running_loss / len(images))
