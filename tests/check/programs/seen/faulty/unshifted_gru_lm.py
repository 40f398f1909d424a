import torch
import torch.nn.functional as F

torch.manual_seed(0)
corpus = torch.randint(0, 20, (128, 10))
emb = torch.nn.Embedding(20, 16)
rnn = torch.nn.GRU(16, 32, batch_first=True)
proj = torch.nn.Linear(32, 20)
params = [*emb.parameters(), *rnn.parameters(), *proj.parameters()]
opt = torch.optim.AdamW(params, lr=5e-3)
for step in range(36):
    ids = corpus[torch.randint(0, 128, (32,))]
    hidden, _ = rnn(emb(ids))
    loss = F.cross_entropy(proj(hidden).transpose(1, 2), ids)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
