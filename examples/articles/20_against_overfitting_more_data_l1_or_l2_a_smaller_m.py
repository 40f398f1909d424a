"""Against overfitting: more data, L1 or L2, a smaller model, dropout

First see whether it is there: `fit` measures the gap between the loss of rows that it trained on and of rows that it did not, with an interval.

L1 and decay are transforms of any rule, imbalance is a weighting, and both are arms that can be compared:
"""

import torch

import steepest as st

few, labels = torch.randn(60, 30), torch.randint(0, 2, (60,))
large = torch.nn.Sequential(torch.nn.Linear(30, 256), torch.nn.ReLU(), torch.nn.Linear(256, 2))
history = st.fit(large, (few, labels), loss="cross_entropy", validation=0.5, epochs=40, progress=False)
print(history.gap.low > 0)

# On the command line:
#   steepest compare mlp --data digits --optimizers "adamw,adamw(weight_decay=0.1),adam + l1(1e-4)" --weightings none,effective_number --budget 300s
