import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim


class ArcHead(nn.Module):
    def __init__(self, dim, classes):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(dim, classes))

    def forward(self, emb):
        return 8.0 * F.normalize(emb, dim=1) @ F.normalize(self.kernel, dim=0)


class face_learner:
    def __init__(self):
        self.model = nn.Sequential(nn.Linear(30, 64), nn.PReLU(), nn.Linear(64, 16))
        self.head = ArcHead(16, 6)
        self.optimizer = optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)

    def train(self, loader, epochs):
        self.model.train()
        for e in range(epochs):
            for imgs, labels in loader:
                self.optimizer.zero_grad()
                embeddings = self.model(imgs)
                thetas = self.head(embeddings)
                loss = F.cross_entropy(thetas, labels)
                loss.backward()
                self.optimizer.step()
            print(e, loss.item())


faces = torch.randn(300, 30)
people = faces[:, :6].argmax(1)
loader = [(faces[i : i + 30], people[i : i + 30]) for i in range(0, 300, 30)]
face_learner().train(loader, 4)
