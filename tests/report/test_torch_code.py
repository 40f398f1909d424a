"""The script of the winner does what the study did."""

from __future__ import annotations

import dataclasses

import fake_studies
import pytest
import torch

from steepest import losses, optim
from steepest.optim import schedules
from steepest.report.torch_code import TORCH_LOSSES, TORCH_RULES, WRITTEN_LOSSES, WRITTEN_SCHEDULES, torch_code
from steepest.results.records import ArmRecord


def code_of(loss: str = "mse", optimizer: str = "sgd", schedule: str = "constant") -> str:
    plan = dataclasses.replace(fake_studies.plan(), epochs=3, batch_size=4)
    return torch_code(plan, ArmRecord("x", loss, optimizer, schedule), 0.01)


def read(text: str) -> tuple[str, dict[str, float]]:
    name, _, rest = text.partition("(")
    return name, eval(f"dict({rest[:-1]})") if rest else {}


def made_by(code: str, **known):
    """All names that the script defines before its loop."""
    exec(code.split("\nfor epoch")[0], known)
    return known


OPTIONS = [
    "huber(delta=0.5)",
    "cross_entropy(label_smoothing=0.1)",
    "focal(gamma=0.7)",
    "square(scale=3.0, peak=5.0)",
    "bce_with_logits(pos_weight=2.0)",
]


@pytest.mark.parametrize("text", [*TORCH_LOSSES, *WRITTEN_LOSSES, *OPTIONS])
def test_the_loss_of_the_script_is_the_loss_of_the_study(text):
    g = torch.Generator().manual_seed(0)
    output = torch.randn(6, 4, generator=g, dtype=torch.float64)
    name, options = read(text)
    item = losses[name]
    classes = item.target.name == "classes"
    target = (
        torch.randint(4, (6,), generator=g) if classes else torch.rand(6, 4, generator=g, dtype=torch.float64).round()
    )
    if name == "nll":
        output = output.log_softmax(1)
    criterion = made_by(code_of(loss=text), model=torch.nn.Linear(1, 1))["criterion"]
    assert criterion(output, target).item() == pytest.approx(item(output, target, **options).item(), rel=1e-12)


SCHEDULES = [
    "constant",
    *WRITTEN_SCHEDULES,
    "warmup_cosine(floor=0.1, warmup=0.2)",
    "warmup_stable_decay(decay=0.5, floor=0.1)",
    "warmup_cosine(warmup=0.0)",
]


@pytest.mark.parametrize("text", SCHEDULES)
def test_the_learning_rates_of_the_script_are_those_of_the_study(text):
    name, options = read(text)
    model, x_train = torch.nn.Linear(1, 1), torch.zeros(50, 1)
    known = made_by(code_of(schedule=text), model=model, x_train=x_train)
    found = []
    for _ in range(39):  # 3 epochs of 13 steps
        found.append(known["optimizer"].param_groups[0]["lr"] / 0.01)
        known["optimizer"].step()
        if "scheduler" in known:
            known["scheduler"].step()
    expected = schedules[name](torch.arange(39), 39, **options)
    assert found == pytest.approx(expected.tolist(), rel=1e-9, abs=1e-12)


def test_an_item_that_is_not_written_out_comes_from_the_catalogue():
    code = code_of(loss="kl_div", optimizer="lion(beta1=0.9)", schedule="seesaw(turns=3)")
    assert "from steepest import losses, optim, schedules\n" in code
    assert "criterion = losses.kl_div\n" in code and "optim.Lion(model.parameters(), lr=0.01, beta1=0.9)" in code
    assert "schedules.seesaw(step, n_steps, turns=3)" in code


@pytest.mark.parametrize(
    "text",
    [
        *TORCH_RULES,
        "sgd(momentum=0.9, nesterov=True)",
        "adamw(beta2=0.99, weight_decay=0.1)",
        "nadamw(beta1=0.8, momentum_decay=0.01)",
        "rmsprop(alpha=0.9, momentum=0.5)",
    ],
)
def test_the_optimizer_of_the_script_takes_the_steps_of_the_study(text):
    found = []
    for make in (
        lambda model: made_by(code_of(optimizer=text), model=model)["optimizer"],
        lambda model: ours(text, model),
    ):
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2, dtype=torch.float64)
        optimizer = make(model)
        x = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3)
        for _ in range(20):
            optimizer.zero_grad()
            (model(x) ** 2).sum().backward()
            optimizer.step()
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    # torch keeps NAdam's product of momenta in float32; a forgotten decay of 0.01 would show at 1e-3
    torch.testing.assert_close(*found, rtol=1e-7, atol=1e-9)


def ours(text: str, model: torch.nn.Module) -> torch.optim.Optimizer:
    name, options = read(text)
    return getattr(optim, optim[name].class_name)(model.parameters(), lr=0.01, **options)


def test_the_script_runs_and_trains():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(10, 3, generator=g)
    model = torch.nn.Linear(3, 1)
    before = (model(x) - x.sum(1, keepdim=True)).square().mean().item()
    exec(
        code_of(loss="mse", optimizer="sgd(momentum=0.9)", schedule="warmup_cosine"),
        {"model": model, "x_train": x, "y_train": x.sum(1, keepdim=True)},
    )
    assert (model(x) - x.sum(1, keepdim=True)).square().mean().item() < before


def test_names_that_are_no_calls_give_no_script():
    for text in ("<script>", "os.system('x')", "f(*a)", "a - b", "", "x" * 10_000 + "("):
        assert code_of(loss=text) == "" and code_of(optimizer=text) == "" and code_of(schedule=text) == ""
    assert code_of(loss="a + b") == code_of(schedule="a + b") == ""


def test_an_optimizer_with_transforms_runs_as_printed_and_leaves_the_weights_that_were_judged():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(12, 3, generator=g, dtype=torch.float64)
    y = x.sum(1, keepdim=True)
    transforms = "sam(rho=0.05) + clip_norm(max_norm=1) + ema(decay=0.5)"
    plan = dataclasses.replace(fake_studies.plan(), epochs=3, batch_size=12)  # one batch: no order to draw
    arm = ArmRecord("x", "mse", f"adamw(beta1=0.8) + {transforms}", "warmup_cosine", optimizer_class="AdamW")
    found = []
    for by_script in (True, False):
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 1, dtype=torch.float64)
        if by_script:
            exec(torch_code(plan, arm, 0.01), {"model": model, "x_train": x, "y_train": y})
        else:
            optimizer = optim.AdamW(model.parameters(), lr=0.01, beta1=0.8, transforms=transforms)

            def closure():
                optimizer.zero_grad()
                loss = (model(x) - y).square().mean()
                loss.backward()
                return loss

            for step in range(3):
                optimizer.param_groups[0]["lr"] = 0.01 * float(schedules.warmup_cosine(step, 3))
                optimizer.step(closure)
            optimizer.eval()
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("text", ["cross_entropy", "cross_entropy(label_smoothing=0.1)", "focal(gamma=0.7)", "square"])
@pytest.mark.parametrize("weighting", ["inverse_frequency", "effective_number(beta=0.9)"])
def test_the_class_weights_of_the_script_are_those_of_the_study(text, weighting):
    g = torch.Generator().manual_seed(0)
    labels = torch.tensor([0] * 12 + [1] * 5 + [2] * 3)
    output = torch.randn(20, 3, generator=g)
    (name, options), (scheme, settings) = read(text), read(weighting)
    plan = dataclasses.replace(fake_studies.plan(), epochs=3, batch_size=4)
    code = torch_code(plan, ArmRecord("x", text, "sgd", "constant", weighting), 0.01)
    criterion = made_by(code, model=torch.nn.Linear(1, 1), y_train=labels)["criterion"]
    weight = losses.weightings[scheme](torch.tensor([12, 5, 3]), **settings)
    wanted = losses[name](output, labels, class_weight=weight, **options)
    assert criterion(output, labels).item() == pytest.approx(wanted.item(), rel=1e-6)


def test_a_loss_of_class_counts_gets_those_of_the_labels():
    labels = torch.tensor([0] * 12 + [1] * 5 + [3] * 3)  # class 2 is not there: it counts as seen once
    output = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    plan = dataclasses.replace(fake_studies.plan(), data={"n_classes": 4})
    for text in ("ldam(max_margin=0.3)", "balanced_softmax"):
        code = torch_code(plan, ArmRecord("x", text, "sgd", "constant", takes_counts=True), 0.01)
        criterion = made_by(code, model=torch.nn.Linear(1, 1), y_train=labels)["criterion"]
        name, options = read(text)
        wanted = losses[name](output, labels, class_counts=torch.tensor([12, 5, 1, 3]), **options)
        assert criterion(output, labels).item() == pytest.approx(wanted.item(), rel=1e-6)


def test_counts_that_the_user_gave_are_printed_as_given():
    text = "balanced_softmax(class_counts=[3, 1])"
    code = torch_code(fake_studies.plan(), ArmRecord("x", text, "sgd", "constant"), 0.01)
    output, labels = torch.tensor([[1.0, 2.0]]), torch.tensor([0])
    criterion = made_by(code, model=torch.nn.Linear(1, 1))["criterion"]
    assert criterion(output, labels).item() == pytest.approx(losses.balanced_softmax(output, labels, class_counts=[3, 1]).item())


def test_the_optimizer_bears_the_name_of_its_class():
    for name, known in (("rmsprop_centered", "RMSpropCentered"), ("lion", "")):
        arm = ArmRecord("x", "mse", name, "constant", optimizer_class=known)
        assert f"optim.{known or 'Lion'}(model.parameters()" in torch_code(fake_studies.plan(), arm, 0.01)
