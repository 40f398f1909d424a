# expects: L06
import torch, torch.nn as nn, torch.nn.functional as F
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.conv1 = nn.Conv2d(1, 10, 5); self.conv2 = nn.Conv2d(10, 20, 5); self.fc1 = nn.Linear(320, 50); self.fc2 = nn.Linear(50, 10)
    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2)); x = F.relu(F.max_pool2d(self.conv2(x), 2)); x = x.view(-1, 320)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)
torch.manual_seed(0)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.rand(256, 1, 28, 28), torch.randint(0, 10, (256,))), batch_size=10, shuffle=True)
model = Net(); criterion = nn.MSELoss(); optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for epoch in range(10):
    running_loss = 0.0
    for images, labels in loader:
        optimizer.zero_grad(); output = model(images); loss = criterion(output, labels); loss.backward(); optimizer.step(); running_loss += loss.item()
    print(running_loss / len(loader))
