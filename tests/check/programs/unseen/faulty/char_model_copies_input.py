import torch
from torch import nn

text = "the quick brown fox jumps over the lazy dog and runs away from the old bear " * 4
chars = sorted(set(text))
codes = torch.tensor([chars.index(c) for c in text])


class CharTransformer(nn.Module):
    def __init__(self, n, d=24):
        super().__init__()
        self.tok, self.pos = nn.Embedding(n, d), nn.Embedding(16, d)
        self.block = nn.TransformerEncoderLayer(d, 2, 48, dropout=0.0, batch_first=True)
        self.head = nn.Linear(d, n)

    def forward(self, ids):
        t = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(t)
        return self.head(self.block(self.tok(ids) + self.pos(torch.arange(t)), src_mask=mask))


def batch(n=16, t=16):
    at = torch.randint(0, len(codes) - t - 1, (n,))
    inputs = torch.stack([codes[i : i + t] for i in at])
    labels = inputs.clone()
    return inputs, labels


torch.manual_seed(0)
model = CharTransformer(len(chars))
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(32):
    inputs, labels = batch()
    loss = nn.functional.cross_entropy(model(inputs).flatten(0, 1), labels.flatten())
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
