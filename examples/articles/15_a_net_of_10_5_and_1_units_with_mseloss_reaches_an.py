"""A net of 10, 5 and 1 units with MSELoss reaches an accuracy of 50 %

Its accuracy takes `argmax` of one column, which is 0 whatever the net says: the number is the share of label 0. Outputs (100, 1) against
labels (100,) broadcast to 10,000 pairs. `fit` refuses that before the first step, and measures in the target's own units.
"""

import torch

import steepest as st

x, y = torch.randn(100, 10), torch.randn(100)
mlp = torch.nn.Sequential(torch.nn.Linear(10, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
print(mlp(x).argmax(1).unique())
try:
    st.fit(mlp, (x, y), loss=torch.nn.MSELoss(), progress=False)
except Exception as error:
    print(type(error).__name__, error)
history = st.fit(mlp, (x, y[:, None]), loss="mse", validation=0.2, metrics="mean_absolute_error", epochs=5, progress=False)
print(history.stopped, history.columns[1:5])
