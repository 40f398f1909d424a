import torch
import torch.nn as nn

torch.manual_seed(0)
concept = torch.randn(6, 20)
movie = torch.randn(300, 20)
genres = ((movie @ concept.T) > 1.0).float()
tagger = nn.Sequential(nn.Linear(20, 40), nn.ReLU(), nn.Linear(40, 6))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(tagger.parameters(), lr=2e-3)
for epoch in range(6):
    perm = torch.randperm(300)
    for i in range(0, 300, 50):
        rows = perm[i : i + 50]
        optimizer.zero_grad()
        loss = criterion(tagger(movie[rows]), genres[rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
