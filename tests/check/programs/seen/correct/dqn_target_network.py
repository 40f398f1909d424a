import copy

import torch

torch.manual_seed(0)
q = torch.nn.Sequential(torch.nn.Linear(4, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
target = copy.deepcopy(q)
opt = torch.optim.Adam(q.parameters(), lr=3e-3)
for step in range(36):
    s, a = torch.randn(64, 4), torch.randint(0, 2, (64,))
    s2 = 0.9 * s + 0.1 * torch.randn(64, 4)
    r = s[:, 0] * (2 * a - 1)
    with torch.no_grad():
        aim = r + 0.5 * target(s2).max(1).values
    loss = torch.nn.functional.smooth_l1_loss(q(s).gather(1, a[:, None]).squeeze(1), aim)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 10 == 9:
        target.load_state_dict(q.state_dict())
print(loss.item())
