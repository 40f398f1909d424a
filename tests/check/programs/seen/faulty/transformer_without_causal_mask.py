import torch
from torch import nn


class TinyGPT(nn.Module):
    def __init__(self, vocab=24, width=32, length=12):
        super().__init__()
        self.tokens = nn.Embedding(vocab, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.unembed = nn.Linear(width, vocab)

    def forward(self, idx):
        return self.unembed(self.blocks(self.tokens(idx) + self.places[: idx.shape[1]]))


torch.manual_seed(0)
stream = torch.randint(0, 24, (160, 13))
gpt = TinyGPT()
opt = torch.optim.AdamW(gpt.parameters(), lr=2e-3)
for it in range(30):
    rows = stream[torch.randint(0, 160, (16,))]
    x, y = rows[:, :-1], rows[:, 1:]
    logits = gpt(x)
    loss = nn.functional.cross_entropy(logits.reshape(-1, 24), y.reshape(-1))
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
