"""Each transform once more, as a plain loop over one run in float64, written from its paper or its documentation.

A run is a list of arrays (the parameters), a gradient function and a rule, both given as plain functions. Numpy only:
nothing of ours and nothing of torch is used here.
"""

from __future__ import annotations

import math

import numpy as np


def sgd(lr):
    """A rule without states."""
    return lambda grads, t: [lr(t) * g for g in grads]


def adam(lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Kingma & Ba, algorithm 1, with states of its own."""
    m, v = {}, {}

    def step(grads, t):
        found = []
        for i, g in enumerate(grads):
            m[i] = beta1 * m.get(i, 0.0) + (1 - beta1) * g
            v[i] = beta2 * v.get(i, 0.0) + (1 - beta2) * g * g
            found.append(lr(t) * (m[i] / (1 - beta1**t)) / (np.sqrt(v[i] / (1 - beta2**t)) + eps))
        return found

    return step


def total_norm(arrays):
    return math.sqrt(sum(float((a * a).sum()) for a in arrays))


class Run:
    """One training run; the loops below change one of its stations. lr(t): the rate of step t, from 1."""

    def __init__(self, params, gradient, rule, lr, decay=0.0):
        self.params, self.gradient, self.rule, self.lr, self.decay = (
            [p.copy() for p in params],
            gradient,
            rule,
            lr,
            decay,
        )
        self.judged = self.params

    def go(self, n, before=None, change=None, after=None):
        """before(grads, call) -> grads or None to wait; change(steps, grads, t) -> steps; after(params, t)."""
        t = 0
        for call in range(1, n + 1):
            grads = self.gradient(self.params, call)
            if before is not None:
                grads = before(grads, call)
                if grads is None:
                    continue
            t += 1
            rate = self.lr(t)
            steps = self.rule(grads, t)
            if change is not None:
                steps = change(steps, grads, t)
            self.params = [p * (1 - rate * self.decay) - s for p, s in zip(self.params, steps)]
            self.judged = self.params
            if after is not None:
                after(t)
        return self.params


def clip_value(run, n, *, limit):
    return run.go(n, before=lambda grads, _: [np.minimum(np.maximum(g, -limit), limit) for g in grads])


def clip_norm(run, n, *, max_norm):
    def clipped(grads, _):
        length = total_norm(grads)
        return [g * max_norm / (length + 1e-6) for g in grads] if length + 1e-6 > max_norm else grads

    return run.go(n, before=clipped)


def centralise(run, n):
    """Yong et al. 2020, equation 1: each column of the weight matrix loses its mean; ours are rows, as torch's."""

    def centred(grads, _):
        found = []
        for g in grads:
            if g.ndim > 1:
                rows = g.reshape(len(g), -1)
                g = np.stack([row - sum(row) / len(row) for row in rows]).reshape(g.shape)
            found.append(g)
        return found

    return run.go(n, before=centred)


def l1(run, n, *, strength):
    return run.go(n, before=lambda grads, _: [g + strength * np.sign(p) for g, p in zip(grads, run.params)])


def l2(run, n, *, weight_decay):
    return run.go(n, before=lambda grads, _: [g + weight_decay * p for g, p in zip(grads, run.params)])


def decoupled_decay(run, n, *, weight_decay):
    run.decay = weight_decay
    return run.go(n)


def corrected_decay(run, n, *, weight_decay):
    """Defazio 2025: the decay of decoupled weight decay times lr / its maximum."""
    return run.go(
        n,
        change=lambda steps, _, t: [
            s + run.lr(t) ** 2 / run.peak * weight_decay * p for s, p in zip(steps, run.params)
        ],
    )


def cautious_decay(run, n, *, weight_decay):
    """Chen et al. 2025, algorithm 1: the decay is masked by [u * x >= 0]."""

    def changed(steps, _, t):
        found = []
        for s, p in zip(steps, run.params):
            decay = np.where(s * p >= 0, run.lr(t) * weight_decay * p, 0.0)
            found.append(s + decay)
        return found

    return run.go(n, change=changed)


def cautious(run, n):
    """Liang et al. 2024, algorithm 1, with xi = 1."""

    def changed(steps, grads, _):
        found = []
        for s, g in zip(steps, grads):
            phi = (s * g > 0).astype(float)
            alpha = phi.size / (phi.sum() + 1)
            found.append(s * phi * alpha)
        return found

    return run.go(n, change=changed)


def nesterov(run, n, *, momentum):
    velocity = [np.zeros_like(p) for p in run.params]

    def changed(steps, _, t):
        for i, s in enumerate(steps):
            velocity[i] = momentum * velocity[i] + s
        return [s + momentum * v for s, v in zip(steps, velocity)]

    return run.go(n, change=changed)


def mars_correction(run, n, *, gamma, beta):
    """Yuan et al. 2024, equations of MARS in its approximate form, the first difference being zero."""
    last = []

    def corrected(grads, call):
        found = []
        for i, g in enumerate(grads):
            c = g + gamma * beta / (1 - beta) * (g - (last[i] if call > 1 else g))
            length = math.sqrt(float((c * c).sum()))
            found.append(c / length if length > 1 else c)
        last[:] = grads
        return found

    return run.go(n, before=corrected)


def accumulate(run, n, *, every):
    kept = []

    def mean(grads, call):
        kept.append(grads)
        if call % every:
            return None
        found = [sum(parts) / every for parts in zip(*kept)]
        kept.clear()
        return found

    return run.go(n, before=mean)


def lookahead(run, n, *, every, alpha):
    """Zhang et al. 2019, algorithm 1."""
    slow = [p.copy() for p in run.params]

    def after(t):
        if t % every == 0:
            for i, p in enumerate(run.params):
                slow[i] = slow[i] + alpha * (p - slow[i])
            run.params = [s.copy() for s in slow]
            run.judged = run.params

    return run.go(n, after=after)


def ema(run, n, *, decay):
    average = []

    def after(t):
        average[:] = [decay * a + (1 - decay) * p for a, p in zip(average, run.params)] if t > 1 else run.params

    run.go(n, after=after)
    run.judged = average
    return run.params


def swa(run, n, *, begin, every):
    """Izmailov et al. 2018: the mean of the weights at the ends of cycles."""
    seen = []

    def after(t):
        if t > begin and (t - begin) % every == 0:
            seen.append(run.params)

    run.go(n, after=after)
    run.judged = [sum(parts) / len(seen) for parts in zip(*seen)] if seen else run.params
    return run.params


def sam(run, n, *, rho):
    """Foret et al. 2021, algorithm 1, p = 2."""

    def there(grads, call):
        length = total_norm(grads)
        return run.gradient([p + rho * g / (length + 1e-12) for p, g in zip(run.params, grads)], call)

    return run.go(n, before=there)
