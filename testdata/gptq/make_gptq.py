#!/usr/bin/env python3
"""Rounds a small matrix with GPTQ as its paper describes it, in numpy and float64.

  make_gptq.py OUT.safetensors

Columns of X are correlated; H = X Xᵀ in two blocks along the diagonal, damped by 1 % of the mean of
its diagonal. The inverse of H is factored, every column is rounded to Q4_0 and its error spread over
the columns behind it. Scales are the best of all F16 numbers for the weights at hand: for a block that
is reached as the errors so far have changed it (`by_column`), or for all blocks at the start, columns
taken by falling diag(H) (`by_activation`).
"""
import sys

import numpy as np
from safetensors.numpy import save_file

BLOCK = 32
ROWS, COLUMNS, WIDTH = 40, 128, 64
CANDIDATES = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)


def codes(values, scale):
    safe = np.where(scale == 0, 1, scale)
    return np.where(scale == 0, 0, np.clip(np.rint(values / safe), -8, 7))


def best_scale(values, weights):
    """The F16 number of either sign with the least weighted squared error for 32 values."""
    largest = np.abs(values).max()
    near = CANDIDATES[(CANDIDATES >= largest / 20) & (CANDIDATES <= largest)]
    scales = np.concatenate([[0.0], near, -near])[:, None]
    errors = (weights * (values - codes(values, scales) * scales) ** 2).sum(1)
    return scales[errors.argmin(), 0]


def gptq(weights, hessian, by_activation):
    n = len(hessian)
    normal = hessian / hessian.diagonal().mean() + 0.01 * np.eye(n)
    order = np.argsort(-hessian.diagonal(), kind="stable") if by_activation else np.arange(n)
    inverse = np.linalg.inv(normal[np.ix_(order, order)])
    factor = np.linalg.cholesky(inverse).T
    importance = normal.diagonal() if by_activation else 1 / factor.diagonal() ** 2
    rest, stored = weights.copy(), np.zeros_like(weights)
    scales = np.zeros_like(weights)

    def choose(start):
        for row in range(len(weights)):
            block = slice(start, start + BLOCK)
            scales[row, block] = best_scale(rest[row, block], importance[block])

    if by_activation:
        for start in range(0, n, BLOCK):
            choose(start)
    for place, column in enumerate(order):
        if not by_activation and column % BLOCK == 0:
            choose(column)
        scale = scales[:, column]
        stored[:, column] = codes(rest[:, column], scale) * scale
        error = (rest[:, column] - stored[:, column]) / factor[place, place]
        rest[:, order[place:]] -= np.outer(error, factor[place, place:])
    return stored


def main():
    random = np.random.default_rng(20)
    mixing = random.standard_normal((COLUMNS, COLUMNS)) * (1 + np.arange(COLUMNS)) ** -0.5
    inputs = mixing @ random.standard_normal((COLUMNS, 4000))
    weights = (0.02 * random.standard_normal((ROWS, COLUMNS))).astype(np.float32)
    hessians = np.stack(
        [inputs[k : k + WIDTH] @ inputs[k : k + WIDTH].T for k in range(0, COLUMNS, WIDTH)]
    ).astype(np.float32)
    arrays = {"weights": weights, "hessians": hessians}
    for by_activation in (False, True):
        stored = [
            gptq(part.astype(np.float64), hessian.astype(np.float64), by_activation)
            for part, hessian in zip(np.split(weights, COLUMNS // WIDTH, axis=1), hessians)
        ]
        name = "by_activation" if by_activation else "by_column"
        arrays[name] = np.concatenate(stored, axis=1).astype(np.float32)
    save_file(arrays, sys.argv[1])


main()
