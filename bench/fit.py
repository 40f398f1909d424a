"""One epoch of the article's CNN on 60,000 images, and a step of a tiny net: steepest.fit against loops that people write.

    python bench/fit.py                 # loops by hand; Lightning, skorch and Keras too where they are installed
    python bench/fit.py --images 6000   # a quick look

CPU seconds at one thread, each variant in turn, least and median over the rounds; the ratios are the variant's over ours.
Images are scikit-learn's digits, enlarged to 28 x 28, with noise. All variants: the same net, start, batch size, SGD with
momentum, cross-entropy. The training loss that each reports is printed, so that a faster wrong answer would show; and fit
and a loop by hand first take the same batches in the same order for some steps: how far their losses are apart is printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import steepest as st
from steepest.core.streams import generator
from steepest.fit.batches import Rows
from steepest.fit.layout import fastest

try:
    from PIL import Image
except ImportError:
    Image = None  # type: ignore[assignment]

BATCH, RATE, MOMENTUM = 64, 0.01, 0.9


class Net(nn.Module):
    """The article's: two convolutions with pooling, two dense layers, log-probabilities left to the loss.

    reshape where articles say view, which would leave channels_last out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
        self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu(nn.functional.max_pool2d(self.conv1(x), 2))
        x = nn.functional.relu(nn.functional.max_pool2d(self.conv2(x), 2))
        return self.fc2(nn.functional.relu(self.fc1(x.reshape(-1, 320))))


def images(n: int) -> tuple[numpy.ndarray, Tensor]:
    """uint8 (n, 28, 28) and labels (n,)."""
    data = st.data.load("digits")
    draw = generator("bench fit")
    rows = torch.randint(len(data.x), (n,), generator=draw)
    large = nn.functional.interpolate(data.x.reshape(-1, 1, 8, 8) / 16, size=28, mode="bilinear")[rows, 0]
    noisy = (large + 0.1 * torch.rand(large.shape, generator=draw)).clamp(0, 1) * 255
    return noisy.to(torch.uint8).numpy(), data.y[rows]


class Pictures(Dataset):
    """As torchvision's FashionMNIST does it with transforms.Compose([ToTensor(), Normalize(...)]), which articles write.

    For each image when it is asked for, what datasets/mnist.py (`__getitem__`) and transforms/functional.py
    (`to_tensor`, `normalize`) of github.com/pytorch/vision do: a PIL image from the array, an array from the PIL image,
    a tensor, and the normalisation on a copy. Their checks of types and calls between modules are left out, in the
    loop's favour; without Pillow the PIL image is, too, which makes an image about twice as fast.
    """

    def __init__(self, pictures: numpy.ndarray, labels: Tensor) -> None:
        self.pictures, self.labels = torch.from_numpy(pictures), labels

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        picture, label = self.pictures[i].numpy(), int(self.labels[i])
        return normalised(as_tensor(picture if Image is None else Image.fromarray(picture))), label


def as_tensor(picture: Any) -> Tensor:
    """ToTensor: bytes (28, 28) as numbers from 0 to 1, (1, 28, 28)."""
    x = torch.from_numpy(numpy.array(picture, numpy.uint8, copy=True)).view(28, 28, 1)
    return x.permute((2, 0, 1)).contiguous().to(dtype=torch.get_default_dtype()).div(255)


def normalised(x: Tensor) -> Tensor:
    """Normalize((0.1307,), (0.3081,))."""
    x = x.clone()
    mean, std = (torch.as_tensor(numbers, dtype=x.dtype, device=x.device) for numbers in ((0.1307,), (0.3081,)))
    if (std == 0).any():
        raise ValueError("a standard deviation is zero")
    return x.sub_(mean.view(-1, 1, 1)).div_(std.view(-1, 1, 1))


def net() -> Net:
    torch.manual_seed(0)
    return Net()


def loop(loader: Any) -> float:
    """The loop of the article; its mean of batch means."""
    model, loss = net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    model.train()
    running = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        running += value.item()
    return running / len(loader)


def with_fit(x: Tensor, y: Tensor, **options: Any) -> float:
    history = st.fit(
        net(),
        (x, y),
        loss="cross_entropy",
        optimizer=f"sgd(lr={RATE}, momentum={MOMENTUM})",
        schedule=None,
        epochs=1,
        batch_size=BATCH,
        progress=False,
        **options,
    )
    return history["loss"][-1]


def apart(x: Tensor, y: Tensor) -> float:
    """How far fit's loss over 32 steps is from the loop's on the same batches in the same order, relative."""
    first = x[: 32 * BATCH], y[: 32 * BATCH]
    batches = [(batch.inputs, batch.target) for batch in Rows(*first, batch_size=BATCH).epoch(0)]
    by_hand = loop(batches)
    return abs(with_fit(*first) - by_hand) / by_hand


def with_lightning(x: Tensor, y: Tensor) -> float:
    import logging
    import warnings

    import lightning

    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.loss, self.sum = net(), nn.CrossEntropyLoss(), 0.0

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            value = self.loss(self.net(batch[0]), batch[1])
            self.sum += value.item()
            return value

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=RATE, momentum=MOMENTUM)

    module, loader = Module(), tensors(x, y)
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, loader)
    return module.sum / len(loader)


def with_skorch(x: Tensor, y: Tensor) -> float:
    import skorch

    torch.manual_seed(0)
    found = skorch.NeuralNetClassifier(
        Net, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.SGD, optimizer__momentum=MOMENTUM, lr=RATE, max_epochs=1,
        batch_size=BATCH, iterator_train__shuffle=True, train_split=None, verbose=0,
    )  # fmt: skip
    found.fit(x, y)
    return float(found.history[-1, "train_loss"])


def with_keras(x: Tensor, y: Tensor) -> float:
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((1, 28, 28)),
            keras.layers.Conv2D(10, 5, data_format="channels_first"),
            keras.layers.MaxPooling2D(2, data_format="channels_first"),
            keras.layers.ReLU(),
            keras.layers.Conv2D(20, 5, data_format="channels_first"),
            keras.layers.MaxPooling2D(2, data_format="channels_first"),
            keras.layers.ReLU(),
            keras.layers.Flatten(),
            keras.layers.Dense(50, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    model.compile(
        keras.optimizers.SGD(RATE, momentum=MOMENTUM), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return model.fit(x.numpy(), y.numpy(), batch_size=BATCH, epochs=1, verbose=0).history["loss"][-1]


def tensors(x: Tensor, y: Tensor) -> DataLoader:
    return DataLoader(TensorDataset(x, y), BATCH, shuffle=True)


def tiny_steps(epochs: int = 2) -> tuple[Callable[[], float], Callable[[], float]]:
    """Two runs of 800 steps of a net of 210 parameters: by hand, and by fit."""
    x = torch.randn(64 * 400, 10, generator=generator("bench tiny"))
    y = (x[:, 0] > 0).long()

    def model() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2))

    def by_hand() -> float:
        m, loss, total = model(), nn.CrossEntropyLoss(), 0.0
        optimizer = torch.optim.SGD(m.parameters(), lr=0.1)
        for _ in range(epochs):
            order = torch.randperm(len(x))
            for start in range(0, len(x), 64):
                index = order[start : start + 64]
                optimizer.zero_grad()
                value = loss(m(x[index]), y[index])
                value.backward()
                optimizer.step()
                total += value.item()
        return total

    def by_fit() -> float:
        m = model()
        optimizer = torch.optim.SGD(m.parameters(), lr=0.1)
        return st.fit(m, (x, y), loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=epochs, progress=False)[
            "loss"
        ][-1]

    return by_hand, by_fit


def seconds(run: Callable[[], float]) -> tuple[float, float]:
    begun = time.process_time()
    value = run()
    return time.process_time() - begun, value


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--images", type=int, default=60_000)
    asked.add_argument("--rounds", type=int, default=3)
    given = asked.parse_args()
    torch.set_num_threads(1)
    pictures, y = images(given.images)
    x = torch.from_numpy(pictures).unsqueeze(1).to(torch.float32).div(255).sub(0.1307).div(0.3081)
    if Image is None:
        print("Pillow is not installed here: the article's loop makes no PIL images and is faster than it would be")
    print(f"the same batches in the same order: the losses of fit and of a loop by hand are {apart(x, y):.1e} apart")
    article = DataLoader(Pictures(pictures, y), BATCH, shuffle=True)
    variants: dict[str, Callable[[], float]] = {
        "steepest.fit": lambda: with_fit(x, y),
        "steepest.fit, channels_last": lambda: with_fit(x, y, memory_format="channels_last"),
        "steepest.fit, contiguous": lambda: with_fit(x, y, memory_format="contiguous"),
        "the article's loop": lambda: loop(article),
        "loop over a tensor DataLoader": lambda: loop(tensors(x, y)),
    }
    for name, run in (("lightning", with_lightning), ("skorch", with_skorch), ("keras", with_keras)):
        if importlib.util.find_spec(name):
            variants[name] = lambda run=run: run(x, y)
        else:
            print(f"{name} is not installed here: its row is left out")
    spent: dict[str, list[float]] = {name: [] for name in variants}
    losses = {}
    for name in [name for _ in range(given.rounds) for name in variants]:
        cpu, losses[name] = seconds(variants[name])
        spent[name].append(cpu)
    print(
        f"\none epoch, {given.images:,} images 28 x 28, batch {BATCH}, {given.rounds} rounds; ratios of least and median"
    )
    print(f"torch {torch.__version__}, 1 thread; the memory format that fit measures: {fastest(net(), x[:BATCH]).name}")
    print(f"{'':32}{'least s':>9}{'median s':>10}{'ratio':>8}{'ratio':>8}{'loss':>9}")
    ours = spent["steepest.fit"]
    for name, times in spent.items():
        middle = statistics.median(times)
        ratios = f"{min(times) / min(ours):8.2f}{middle / statistics.median(ours):8.2f}"
        print(f"{name:32}{min(times):9.2f}{middle:10.2f}{ratios}{losses[name]:9.4f}")
    by_hand, by_fit = tiny_steps()
    pairs = [(seconds(by_hand)[0], seconds(by_fit)[0]) for _ in range(5 * given.rounds)]
    hand, fit = (min(times) / 800 * 1e6 for times in zip(*pairs))
    print(
        f"\na step of a tiny net, least of {len(pairs)}: by hand {hand:.0f} us, fit {fit:.0f} us, {fit - hand:+.0f} us"
    )


if __name__ == "__main__":
    main()
