"""A module in a pickle without torch's own pickling: its structure beside one block of safetensors bytes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Packed:
    """shell: the module without its tensors. places: path and name of each, whether it is a parameter and is trained,
    and the key of its values; tied weights share a key. content: safetensors bytes."""

    shell: nn.Module
    places: tuple[tuple[str, str, bool, bool, str], ...]
    content: bytes

    @staticmethod
    def of(module: nn.Module) -> Packed:
        """The module stays as it is. Tensors are stored as on the CPU."""
        from safetensors.torch import save

        held: dict[int, str] = {}
        tensors: dict[str, Tensor] = {}
        places = []
        for path, part in module.named_modules():
            for own, is_parameter in ((part._parameters, True), (part._buffers, False)):
                for name, tensor in own.items():
                    if tensor is None:
                        continue
                    key = held.setdefault(id(tensor), f"{path}.{name}".lstrip("."))
                    tensors.setdefault(key, tensor.detach().cpu().contiguous().clone())
                    places.append((path, name, is_parameter, tensor.requires_grad, key))
        without: dict[int, Any] = {id(tensor): None for tensor in [*module.parameters(), *module.buffers()]}
        return Packed(copy.deepcopy(module, without), tuple(places), save(tensors))

    def module(self) -> nn.Module:
        """The module anew."""
        from safetensors.torch import load

        tensors: dict[str, Tensor] = load(self.content)
        made: dict[str, Tensor] = {}
        module = copy.deepcopy(self.shell)
        for path, name, is_parameter, is_trained, key in self.places:
            part = module.get_submodule(path)
            if key not in made:
                made[key] = nn.Parameter(tensors[key], requires_grad=is_trained) if is_parameter else tensors[key]
            (part._parameters if is_parameter else part._buffers)[name] = made[key]  # type: ignore[assignment]
        return module


def packed(value: Any) -> Any:
    """A module as Packed; anything else as it is."""
    return Packed.of(value) if isinstance(value, nn.Module) else value


def unpacked(value: Any) -> Any:
    return value.module() if isinstance(value, Packed) else value
