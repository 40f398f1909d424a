"""The catalogue of update rules, each a torch.optim.Optimizer (`optim.AdamW`) and a stacked step for a population."""

from steepest.core.discover import Catalogue

Catalogue.of(__name__, kind="rule", folders=("rules",))
