"""The loss: every query prefers its own passage to the others of the batch, and the reverse."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

__all__ = ["contrast"]

TEMPERATURE = 0.05


class _InfoNCE(torch.autograd.Function):
    """The loss and its gradient from one exponential of all scores.

    Cosines are at most 1, so that nothing overflows and no maximum need be sought.
    """

    @staticmethod
    def forward(
        ctx: Any, asked: torch.Tensor, given: torch.Tensor, same: torch.Tensor
    ) -> torch.Tensor:
        scores = asked @ given.T
        own = scores.diagonal().mean()
        scores.sub_(1).div_(TEMPERATURE).exp_().masked_fill_(same, 0)
        by_query, by_passage = scores.sum(1), scores.sum(0)
        loss = (by_query.log().mean() + by_passage.log().mean()) / 2 + (1 - own) / TEMPERATURE
        scores.mul_((0.5 / by_query)[:, None] + (0.5 / by_passage)[None, :])
        scores.diagonal().sub_(1)
        ctx.save_for_backward(scores.bfloat16(), asked.bfloat16(), given.bfloat16())
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        pull, asked, given = ctx.saved_tensors
        share = gradients[0] / (len(asked) * TEMPERATURE)
        return (pull @ given).float() * share, (pull.T @ asked).float() * share, None


def contrast(asked: torch.Tensor, given: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
    """InfoNCE in both directions (van den Oord and others 2018)."""
    loss: torch.Tensor = _InfoNCE.apply(
        functional.normalize(asked), functional.normalize(given), same
    )
    return loss
