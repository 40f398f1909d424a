"""Records where other libraries' update rules go on given gradients: tests compare with them and need none installed.

    python tools/record_peers.py [OUT]     # OUT: tests/contract/peer_values.json unless given

Wants lion-pytorch, optax, prodigyopt, pytorch_optimizer, schedulefree, timm, and torch-shampoo from the repository
facebookresearch/optimizers; a peer that is missing is left out, with a message. Everything is computed in float64. What
a peer calls otherwise stands in `theirs`, our names in `ours`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "contract"))

import peer_gradients as given  # noqa: E402


@dataclass(frozen=True)
class Peer:
    """One rule of another library. place: package, module and name of the class or function.

    error: how far it may be away, as a share of the largest value, and why.
    """

    rule: str
    package: str
    place: str
    theirs: dict[str, Any]
    ours: dict[str, Any]
    runs: Callable[..., Iterator[list[torch.Tensor]]]
    error: tuple[float, str] = (1e-11, "200 steps of a few roundings in float64")


def by_torch(make: Any, options: dict[str, Any]) -> Iterator[list[torch.Tensor]]:
    """The values after each step of a torch.optim.Optimizer; those of evaluation where it knows the difference."""
    params = [torch.tensor(given.start(i), dtype=torch.float64).view(s) for i, s in enumerate(given.SHAPES)]
    params = [torch.nn.Parameter(p) for p in params]
    optimizer = make(params, **options)
    for t in range(1, given.N_STEPS + 1):
        for i, p in enumerate(params):
            p.grad = torch.tensor(given.gradient(i, t), dtype=torch.float64).view_as(p)
        optimizer.step()
        yield [p.detach().clone() for p in params]


def by_free_torch(make: Any, options: dict[str, Any]) -> Iterator[list[torch.Tensor]]:
    """As by_torch, for schedulefree: it asks to be told that training begins."""

    def told(params: Any, **more: Any) -> Any:
        optimizer = make(params, foreach=False, **more)
        optimizer.train()
        return optimizer

    return by_torch(told, options)


def by_shampoo(make: Any, options: dict[str, Any]) -> Iterator[list[torch.Tensor]]:
    """As by_torch, of the matrix alone, for DistributedShampoo: unblocked, Adam grafted, roots in float64."""
    import distributed_shampoo as theirs

    def unblocked(params: Any, **more: Any) -> Any:
        double = torch.float64
        return make(
            params,
            grafting_config=theirs.AdamPreconditionerConfig(beta2=more["betas"][1], epsilon=1e-8),
            preconditioner_config=theirs.RootInvShampooPreconditionerConfig(
                factor_matrix_dtype=double, inv_factor_matrix_dtype=double
            ),
            distributed_config=theirs.SingleDeviceDistributedConfig(target_parameter_dimensionality=2),
            **more,
        )

    return (values[:1] for values in by_torch(unblocked, options))


def by_optax(make: Any, options: dict[str, Any]) -> Iterator[list[torch.Tensor]]:
    """The values after each step of an optax transformation."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    jax.config.update("jax_enable_x64", True)
    params = [jnp.array(given.start(i), jnp.float64).reshape(s) for i, s in enumerate(given.SHAPES)]
    rule = make(**options)
    state = rule.init(params)
    for t in range(1, given.N_STEPS + 1):
        grads = [jnp.array(given.gradient(i, t), jnp.float64).reshape(s) for i, s in enumerate(given.SHAPES)]
        updates, state = rule.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        yield [torch.tensor(np.array(p)) for p in params]


BETAS = {"betas": (0.8, 0.95)}
OURS = {"beta1": 0.8, "beta2": 0.95}
THREE = {"betas": (0.95, 0.9, 0.97)}
FREE = {"weight_decay": 0.05, "warmup_steps": 9, "r": 0.5, "weight_lr_power": 2.0}

PEERS = [
    Peer("lion", "lion-pytorch", "lion_pytorch.Lion", {"lr": 0.01, **BETAS, "weight_decay": 0.1},
         {"lr": 0.01, **OURS, "weight_decay": 0.1}, by_torch),
    Peer("lion", "optax", "optax.lion", {"learning_rate": 0.01, "b1": 0.8, "b2": 0.95, "weight_decay": 0.1},
         {"lr": 0.01, **OURS, "weight_decay": 0.1}, by_optax),
    Peer("signum", "pytorch_optimizer", "pytorch_optimizer.SignSGD", {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1},
         {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1}, by_torch),
    Peer("adan", "timm", "timm.optim.adan.Adan", {"lr": 0.01, **THREE, "weight_decay": 0.1},
         {"lr": 0.01, "beta1": 0.95, "beta2": 0.9, "beta3": 0.97, "weight_decay": 0.1}, by_torch),
    Peer("ademamix", "pytorch_optimizer", "pytorch_optimizer.AdEMAMix",
         {"lr": 0.01, "betas": (0.8, 0.95, 0.999), "alpha": 4.0, "weight_decay": 0.1, "weight_decouple": True},
         {"lr": 0.01, **OURS, "beta3": 0.999, "alpha": 4.0, "weight_decay": 0.1}, by_torch),
    Peer("ademamix", "pytorch_optimizer", "pytorch_optimizer.AdEMAMix",
         {"lr": 0.01, "betas": (0.8, 0.95, 0.999), "alpha": 4.0, "t_alpha_beta3": 100},
         {"lr": 0.01, **OURS, "beta3": 0.999, "alpha": 4.0, "warmup_steps": 100}, by_torch),
    Peer("ademamix", "optax", "optax.contrib.ademamix",
         {"learning_rate": 0.01, "b1": 0.8, "b2": 0.95, "b3": 0.999, "alpha": 4.0},
         {"lr": 0.01, **OURS, "beta3": 0.999, "alpha": 4.0}, by_optax),
    Peer("adopt", "timm", "timm.optim.adopt.Adopt",
         {"lr": 0.01, **BETAS, "clip_exp": 0.25, "weight_decay": 0.1, "decoupled": True, "foreach": False},
         {"lr": 0.01, **OURS, "weight_decay": 0.1}, by_torch),
    Peer("lamb", "timm", "timm.optim.lamb.Lamb",
         {"lr": 0.01, **BETAS, "weight_decay": 0.1, "max_grad_norm": None, "always_adapt": True},
         {"lr": 0.01, **OURS, "weight_decay": 0.1}, by_torch),
    Peer("lamb", "optax", "optax.lamb", {"learning_rate": 0.01, "b1": 0.8, "b2": 0.95, "weight_decay": 0.1},
         {"lr": 0.01, **OURS, "weight_decay": 0.1}, by_optax),
    Peer("lars", "optax", "optax.lars", {"learning_rate": 0.5, "momentum": 0.9, "trust_coefficient": 0.01},
         {"lr": 0.5, "momentum": 0.9, "trust": 0.01}, by_optax),
    Peer("mars", "timm", "timm.optim.mars.Mars",
         {"lr": 0.01, **BETAS, "weight_decay": 0.1, "gamma": 0.05, "optimize_1d": True},
         {"lr": 0.01, **OURS, "weight_decay": 0.1, "gamma": 0.05}, by_torch),
    Peer("prodigy", "prodigyopt", "prodigyopt.Prodigy", {"lr": 1.0, **BETAS, "d0": 1e-3},
         {"lr": 1.0, **OURS, "d0": 1e-3}, by_torch),
    Peer("prodigy", "prodigyopt", "prodigyopt.Prodigy",
         {"lr": 0.7, **BETAS, "weight_decay": 0.1, "d0": 1e-3, "d_coef": 0.5, "use_bias_correction": True,
          "safeguard_warmup": True, "growth_rate": 1.02},
         {"lr": 0.7, **OURS, "weight_decay": 0.1, "d0": 1e-3, "d_coef": 0.5, "bias_correction": True,
          "safeguard_warmup": True, "growth_rate": 1.02}, by_torch),
    Peer("schedule_free_adamw", "schedulefree", "schedulefree.adamw_schedulefree.AdamWScheduleFree",
         {"lr": 0.01, **BETAS, **FREE}, {"lr": 0.01, **OURS, **FREE}, by_free_torch),
    Peer("schedule_free_sgd", "schedulefree", "schedulefree.sgd_schedulefree.SGDScheduleFree",
         {"lr": 0.02, "momentum": 0.8, **FREE}, {"lr": 0.02, "momentum": 0.8, **FREE}, by_free_torch),
    Peer("soap", "pytorch_optimizer", "pytorch_optimizer.SOAP",
         {"lr": 0.01, **BETAS, "weight_decay": 0.1, "precondition_frequency": 3},
         {"lr": 0.01, **OURS, "weight_decay": 0.1, "frequency": 3}, by_torch, (1e-5, "its QR is in float32")),
    Peer("shampoo", "torch-shampoo", "distributed_shampoo.DistributedShampoo",
         {"lr": 0.01, **BETAS, "epsilon": 1e-12, "weight_decay": 0.1, "max_preconditioner_dim": 64,
          "precondition_frequency": 5, "start_preconditioning_step": 5},
         {"lr": 0.01, **OURS, "weight_decay": 0.1, "frequency": 5}, by_shampoo,
         (1e-7, "its corrections are in float32")),
    Peer("adamax", "optax", "optax.adamax", {"learning_rate": 0.01, "b1": 0.8, "b2": 0.95, "eps": 1e-30},
         {"lr": 0.01, **OURS, "eps": 1e-30}, by_optax),
    Peer("adamw", "optax", "optax.adamw", {"learning_rate": 0.01, "b1": 0.8, "b2": 0.95, "weight_decay": 0.1},
         {"lr": 0.01, **OURS, "weight_decay": 0.1}, by_optax),
    Peer("adadelta", "optax", "optax.adadelta", {"learning_rate": 0.5, "rho": 0.8, "eps": 1e-3},
         {"lr": 0.5, "rho": 0.8, "eps": 1e-3}, by_optax),
]  # fmt: skip


def thing(place: str) -> Any:
    """What a dotted place names. timm's package wants torchvision: its files of rules are read without it."""
    module, _, name = place.rpartition(".")
    if module.startswith("timm.") and "timm" not in sys.modules:
        found = importlib.util.find_spec("timm")
        if found is None or found.origin is None:
            raise ModuleNotFoundError("timm")
        for part in ("timm", "timm.optim"):
            sys.modules[part] = stand_in = types.ModuleType(part)
            stand_in.__path__ = [str(Path(found.origin).parent.parent.joinpath(*part.split(".")))]
    return getattr(importlib.import_module(module), name)


def record(peer: Peer) -> dict[str, Any]:
    values = {}
    for t, tensors in enumerate(peer.runs(thing(peer.place), peer.theirs), 1):
        if t in given.KEPT:
            values[str(t)] = [tensor.flatten().tolist() for tensor in tensors]
    version = importlib.metadata.version(peer.package)
    return {"rule": peer.rule, "peer": peer.place, "version": version, "theirs": peer.theirs, "ours": peer.ours,
            "error": peer.error, "values": values}  # fmt: skip


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests" / "contract" / "peer_values.json"
    records = []
    for peer in PEERS:
        try:
            records.append(record(peer))
        except ModuleNotFoundError as error:
            print(f"{peer.place}: left out, {error}")
    out.write_text("[\n" + ",\n".join(json.dumps(r) for r in records) + "\n]\n", encoding="utf-8")
    print(f"{len(records)} trajectories")


if __name__ == "__main__":
    main()
