import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
V, T = 20, 16
class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(V, 32); self.pos = nn.Embedding(T, 32)
        self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True), 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, V, bias=False)
        self.head.weight = self.tok.weight
    def forward(self, x, y=None):
        t = x.shape[1]
        h = self.tok(x) + self.pos(torch.arange(t))
        h = self.blocks(h, mask=nn.Transformer.generate_square_subsequent_mask(t), is_causal=True)
        logits = self.head(h)
        loss = F.cross_entropy(logits.view(-1, V), y.reshape(-1)) if y is not None else None
        return logits, loss
data = (torch.arange(4000) * 3 % 17) % V
def get_batch():
    ix = torch.randint(0, len(data) - T - 1, (16,))
    return torch.stack([data[i:i + T] for i in ix]), torch.stack([data[i + 1:i + T + 1] for i in ix])
model = GPT()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
for it in range(40):
    if it % 20 == 0:
        model.eval()
        with torch.no_grad():
            print(sum(model(*get_batch())[1].item() for _ in range(3)) / 3)
        model.train()
    _, loss = model(*get_batch())
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
