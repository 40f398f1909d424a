"""The catalogue of transforms, one file each: what composes with every update rule, alone and in a population.

`steepest.optim.AdamW(params, lr=1e-3, transforms="clip_norm(1.0) + cautious")`, or in a comparison
`--optimizers "adamw, adamw + clip_norm(1.0) + cautious"`.
"""

from steepest.core.discover import Catalogue

Catalogue.of(__name__, kind="transform")
