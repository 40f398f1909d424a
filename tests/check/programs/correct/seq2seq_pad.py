import torch, torch.nn as nn
torch.manual_seed(0)
PAD, BOS, EOS, V = 0, 1, 2, 15
def make(n):
    src, tgt = [], []
    for _ in range(n):
        L = int(torch.randint(3, 9, (1,))); s = torch.randint(3, V, (L,))
        src.append(s); tgt.append(torch.cat([torch.tensor([BOS]), s.flip(0), torch.tensor([EOS])]))
    return list(zip(src, tgt))
def collate(b):
    s, t = zip(*b)
    return nn.utils.rnn.pad_sequence(s, batch_first=True, padding_value=PAD), nn.utils.rnn.pad_sequence(t, batch_first=True, padding_value=PAD)
class S2S(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(V, 32, padding_idx=PAD)
        self.tr = nn.Transformer(32, 4, 1, 1, 64, batch_first=True, dropout=0.0)
        self.o = nn.Linear(32, V)
    def forward(self, s, t):
        m = nn.Transformer.generate_square_subsequent_mask(t.size(1))
        h = self.tr(self.e(s), self.e(t), tgt_mask=m, src_key_padding_mask=s == PAD, tgt_key_padding_mask=t == PAD, memory_key_padding_mask=s == PAD)
        return self.o(h)
dl = torch.utils.data.DataLoader(make(200), batch_size=20, shuffle=True, collate_fn=collate)
model = S2S(); opt = torch.optim.Adam(model.parameters(), 1e-3); crit = nn.CrossEntropyLoss(ignore_index=PAD)
for ep in range(2):
    model.train()
    for s, t in dl:
        out = model(s, t[:, :-1])
        loss = crit(out.reshape(-1, V), t[:, 1:].reshape(-1))
        opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(model.parameters(), 1.0); opt.step()
