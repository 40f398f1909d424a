import torch, torch.nn as nn, random, copy
torch.manual_seed(0); random.seed(0)
q = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
target = copy.deepcopy(q)
opt = torch.optim.Adam(q.parameters(), lr=1e-3)
buf = [(torch.randn(4), random.randrange(2), random.random(), torch.randn(4), random.random() < 0.1) for _ in range(500)]
for step in range(60):
    batch = random.sample(buf, 32)
    s = torch.stack([b[0] for b in batch]); a = torch.tensor([b[1] for b in batch]); r = torch.tensor([b[2] for b in batch])
    s2 = torch.stack([b[3] for b in batch]); d = torch.tensor([float(b[4]) for b in batch])
    qsa = q(s).gather(1, a.unsqueeze(1)).squeeze(1)
    with torch.no_grad():
        tgt = r + 0.99 * (1 - d) * target(s2).max(1).values
    loss = nn.functional.smooth_l1_loss(qsa, tgt)
    opt.zero_grad(); loss.backward()
    nn.utils.clip_grad_value_(q.parameters(), 100)
    opt.step()
    if step % 20 == 0:
        target.load_state_dict(q.state_dict())
