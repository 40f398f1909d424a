import random

import torch
from torch import nn


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.q = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, s):
        return self.q(s)


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
memory = [(torch.randn(4), random.randrange(2), random.random(), torch.randn(4)) for _ in range(300)]
for episode in range(30):
    batch = random.sample(memory, 16)
    errors = []
    for state, action, reward, next_state in batch:
        with torch.no_grad():
            target = reward + 0.9 * policy(next_state).max()
        q = policy(state)[action]
        errors.append((q.item() - target.item()) ** 2)
    loss = torch.tensor(errors, requires_grad=True).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
