"""Step 6: the judge. The first layers of a pretrained transformer, fitted to tell what answers.

Of a question's sentences and "none of them" the right one is to be the most probable (a softmax
over the list). The vectors of words stay as they are, so that words which the training never
uses keep their meaning.

Usage: python -m training.judge          (an hour on two cores; .cache/training/judge.safetensors)
       python -m training.judge --again  (from what that left, or else from the folder that ships)
       python -m training.judge --mean 0.3  (of that, and the rest of the folder that ships)
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from rag.bundled import read_arrays
from rag.judges.bundled import HEAD_WIDTH, judge_folder, sequence
from rag.questions import understand, words_beside
from rag.questions.languages import spoken_language
from rag.questions.lexicon import LANGUAGES
from rag.text import contains_han
from training.across import across
from training.gloss import Glosser
from training.judging import Choice, as_put, choices, is_held_out
from training.material import CACHE
from training.offered import offered
from training.pretrained import PADDING, WIDTH, Pretrained, tokenizer_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from rag.protocols import Reading
    from rag.schema import Question

__all__ = ["main"]

_SEED = 1
_LAYERS = 4
"""Of the judge that ships."""
_QUESTIONS = 12
"""A step."""
_SENTENCES = 5
"""Of each question."""
_NOTHING = 0.12
"""Share of questions whose right sentences are left out, so that nothing answers them."""
_RATE, _RATE_AGAIN = 2e-4, 1.2e-4
_RISE = 60
_EASY = 160
"""Steps that ask encyclopaedic questions alone, whose words their answers share."""
_TIMES = {(True, True): 1, (True, False): 3, (False, True): 2, (False, False): 4}
"""How often a question is asked the second time, by whether it, and its passage, are Chinese: of
English passages there are few."""
_THIN = 3
"""Of encyclopaedic questions, one in so many is asked the second time."""
_NEWEST = 6600
"""The last questions of the material, which the weights there are have not seen: twice as often."""
_TIMES_OTHERS = 4
"""How often one in another language than these is asked the second time."""
_GLOSSED = 0.15
"""Share of the questions about Chinese passages that are asked in words of another language too."""
_STILL = 2
"""Layers that stay as they are the second time, the lowest: that saves a third of the time."""
_NEAREST = 5
"""Of the wrong sentences, those that half of the chosen ones are among, the second time."""
_TOGETHER = 21
"""Sequences of like length that are read at once."""
_POSITIONS = 256
_LEAST = 0.02


class Layer(nn.Module):
    """Self-attention and two dense layers, each added and then normalised."""

    def __init__(self, inner: int) -> None:
        super().__init__()
        self.together = nn.Linear(WIDTH, 3 * WIDTH)
        self.attended = nn.Linear(WIDTH, WIDTH)
        self.attended_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.inner = nn.Linear(WIDTH, inner)
        self.outer = nn.Linear(inner, WIDTH)
        self.outer_norm = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """States of shape (sequences, pieces, width); the mask is added to attention."""
        count, length, _ = states.shape
        heads = self.together(states).view(count, length, 3, -1, HEAD_WIDTH)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4).unbind(0)
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(HEAD_WIDTH) + mask
        mixed = (scores.softmax(-1) @ values).transpose(1, 2).reshape(count, length, WIDTH)
        states = self.attended_norm(states + self.attended(mixed))
        inner = functional.gelu(self.inner(states), approximate="tanh")
        return self.outer_norm(states + self.outer(inner))


class Judge(nn.Module):
    """The model that ``rag.judges.bundled`` runs."""

    def __init__(self, start: Pretrained, layers: int) -> None:
        super().__init__()

        def tensor(name: str, *shape: int) -> torch.Tensor:
            return torch.from_numpy(start.tensors[name].reshape(shape or (-1,)))

        self.word = tensor("emb.word", -1, WIDTH)
        self.position = nn.Parameter(tensor("emb.pos", -1, WIDTH)[:_POSITIONS].clone())
        part = tensor("emb.type", -1, WIDTH)[:1].repeat(3, 1)
        self.part = nn.Parameter(part + 0.002 * torch.randn(3, WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        _set(self.norm, tensor("emb.ln.w"), tensor("emb.ln.b"))
        self.layers = nn.ModuleList()
        for number in range(layers):
            inner = len(start.tensors[f"l{number}.fi.b"])
            layer = Layer(inner)
            _set(
                layer.together,
                torch.cat([tensor(f"l{number}.{each}.w", WIDTH, WIDTH) for each in "qkv"]),
                torch.cat([tensor(f"l{number}.{each}.b") for each in "qkv"]),
            )
            for module, name, *shape in (
                (layer.attended, "ao", WIDTH, WIDTH),
                (layer.attended_norm, "aln"),
                (layer.inner, "fi", inner, WIDTH),
                (layer.outer, "fo", WIDTH, inner),
                (layer.outer_norm, "oln"),
            ):
                weight = tensor(f"l{number}.{name}.w", *shape)
                _set(module, weight, tensor(f"l{number}.{name}.b"))
            self.layers.append(layer)
        self.hidden, self.logit = nn.Linear(2 * WIDTH, WIDTH), nn.Linear(WIDTH, 1)
        _set(self.logit, torch.zeros(1, WIDTH), torch.zeros(1))

    def take(self, exported: Path) -> None:
        """Go on from weights as they are exported; those of words are the pretrained ones, and
        those of layers that are not among them.
        """
        arrays = read_arrays(exported, needed=("logit.weight",))
        own = self.state_dict()
        for name in own:
            short = name.removeprefix("layers.")
            if short not in arrays:
                continue
            rows = arrays[short].astype(np.float32)
            if f"{short}.scale" in arrays:
                rows *= arrays[f"{short}.scale"].astype(np.float32)[:, None]
            own[name] = torch.from_numpy(rows)
        self.load_state_dict(own)

    def keep_still(self) -> None:
        """Leave the lowest layers, and what is below them, as they are."""
        below = [self.position, self.part, *self.norm.parameters()]
        for each in (*below, *self.layers[:_STILL].parameters()):
            each.requires_grad_(False)

    def forward(self, pieces: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
        """Logits of sequences, padded to the same length."""
        there = pieces != PADDING
        states = self.norm(self.word[pieces] + self.position[: pieces.shape[1]] + self.part[parts])
        mask = torch.where(there, 0.0, -1e4)[:, None, None, :]
        for layer in self.layers:
            states = layer(states, mask)
        sentence = ((parts == 1) & there).float()[:, :, None]
        mean = (states * sentence).sum(1) / sentence.sum(1)
        pooled = torch.cat([states[:, 0], mean], -1)
        return self.logit(torch.tanh(self.hidden(pooled))).squeeze(-1)


def _set(module: nn.Module, weight: torch.Tensor, bias: torch.Tensor) -> None:
    module.weight.data = weight.clone()
    module.bias.data = bias.clone()


@dataclass(frozen=True, slots=True)
class Offered:
    """A question with sentences, those that answer first."""

    question: str
    readings: Sequence[Reading]
    right: int


class Scorer:
    """Sequences to logits."""

    def __init__(self, judge: Judge, tokenizer: Tokenizer, *, half: bool = False) -> None:
        """``half``: learn in bfloat16, but for the sums."""
        self._judge = judge
        self._half = half
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}
        self._understood: dict[str, Question] = {}

    def logits(self, offered: Sequence[Offered]) -> torch.Tensor:
        """Of all sentences of all questions, in order."""
        sequences = [
            self._sequence(each.question, reading) for each in offered for reading in each.readings
        ]
        order = sorted(range(len(sequences)), key=lambda number: len(sequences[number][0]))
        found = []
        for first in range(0, len(order), _TOGETHER):
            chosen = [sequences[number] for number in order[first : first + _TOGETHER]]
            length = max(len(pieces) for pieces, _ in chosen)
            pieces = torch.full((len(chosen), length), PADDING)
            parts = torch.zeros((len(chosen), length), dtype=torch.long)
            for row, (own, kinds) in enumerate(chosen):
                pieces[row, : len(own)] = torch.tensor(own)
                parts[row, : len(own)] = torch.tensor(kinds)
            with torch.autocast(
                "cpu", torch.bfloat16, enabled=self._half and torch.is_grad_enabled()
            ):
                found.append(self._judge(pieces, parts).float())
        return torch.cat(found)[torch.tensor(np.argsort(order))]

    def _sequence(self, question: str, reading: Reading) -> tuple[list[int], list[int]]:
        asked, title = as_put(question, reading.title)
        if question not in self._understood:
            self._understood[question] = understand(question)
        beside = words_beside(self._understood[question], reading.sentence)
        asked = f"{asked} {beside}" if beside else asked
        return sequence(self._pieces, asked, replace(reading, title=title))

    def _pieces(self, text: str) -> list[int]:
        if text not in self._known:
            self._known[text] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return self._known[text]


def _offer(choice: Choice, chance: random.Random, *, again: bool) -> Offered:
    right = list(choice.right)
    if chance.random() < _NOTHING:
        right = []
    right = chance.sample(right, min(2, len(right)))
    among = choice.wrong
    if again and chance.random() < 0.5:
        among = among[:_NEAREST]
    wrong = chance.sample(among, min(_SENTENCES - len(right), len(among)))
    return Offered(choice.question, [*right, *wrong], len(right))


def _again(learned: Sequence[Choice]) -> list[Choice]:
    """The questions as often as they are asked the second time; and those across languages."""
    found = across()
    chance = random.Random(_SEED)
    glosser = Glosser(chance=chance)
    for number, choice in enumerate(learned):
        if not choice.title:
            found += [choice] * (number % _THIN == 0)
        elif readings := [*choice.right, *choice.wrong]:
            kind = contains_han(choice.question), contains_han(readings[0].sentence)
            times = _TIMES_OTHERS if spoken_language(choice.question) else _TIMES[kind]
            newest = number >= len(learned) - _NEWEST
            found += [choice] * (times * (1 + newest))
            if kind[1] and chance.random() < _GLOSSED:
                gloss = glosser.gloss(choice.question, chance.choice(LANGUAGES))
                found += [replace(choice, question=gloss)] * bool(gloss)
    return found


def _batches(
    learned: list[Choice], chance: random.Random, *, again: bool
) -> Iterator[list[Offered]]:
    """Questions with sentences of like length. Endless."""
    waiting: list[Offered] = []
    step, order = 0, iter(())
    while True:
        step += 1
        while len(waiting) < 8 * _QUESTIONS:
            choice = next(order, None)
            if choice is None:
                chance.shuffle(learned)
                order = iter(list(learned))
            elif again or step >= _EASY or not choice.title:
                waiting.append(_offer(choice, chance, again=again))
        waiting.sort(key=lambda each: max((len(r.sentence) for r in each.readings), default=0))
        first = chance.randrange(len(waiting) - _QUESTIONS + 1)
        batch = [each for each in waiting[first : first + _QUESTIONS] if each.readings]
        del waiting[first : first + _QUESTIONS]
        yield batch


def _loss(batch: Sequence[Offered], logits: torch.Tensor) -> torch.Tensor:
    losses = []
    place = 0
    for each in batch:
        own = torch.cat([logits[place : place + len(each.readings)], torch.zeros(1)])
        place += len(each.readings)
        chances = own.log_softmax(0)
        losses.append(-(chances[: each.right].logsumexp(0) if each.right else chances[-1]))
    return torch.stack(losses).mean()


def _measure(scorer: Scorer, held_out: Sequence[Choice], count: int) -> None:
    """Right sentence first, and how well the best logit tells what has an answer."""
    first: dict[str, list[bool]] = defaultdict(list)
    best: dict[bool, list[float]] = {True: [], False: []}
    for choice in random.Random(0).sample(held_out, min(count, len(held_out))):
        readings = [*choice.right, *choice.wrong]
        if not readings:
            continue
        with torch.no_grad():
            logits = scorer.logits([Offered(choice.question, readings, 0)])
        best[bool(choice.right)].append(float(logits.max()))
        if choice.right:
            kind = "encyclopaedic" if not choice.title else "others"
            kind += ", English" if choice.question.isascii() else ""
            kind += "" if contains_han(readings[0].sentence) else ", of English texts"
            first[kind].append(int(logits.argmax()) < len(choice.right))
    for kind, right in sorted(first.items()):
        print(f"  right sentence first, {kind}: {np.mean(right):.3f} of {len(right)}")
    answered, nothing = np.array(best[True]), np.array(best[False])
    area = (answered[:, None] > nothing[None]).mean()
    print(f"  with an answer before without one: {area:.3f}", flush=True)


def _mean(
    own: dict[str, torch.Tensor], other: dict[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """The mean of two models that went on from one (Wortsman and others 2022)."""
    return {name: (share * own[name] + (1 - share) * other[name]).contiguous() for name in own}


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--layers", type=int, default=_LAYERS)
    parser.add_argument("--again", action="store_true", help="go on from the weights there are")
    parser.add_argument("--half", action="store_true", help="in bfloat16: faster on many CPUs")
    parser.add_argument("--mean", type=float, help="no training: share of the weights there are")
    arguments = parser.parse_args()
    torch.manual_seed(_SEED)
    start = Pretrained.load()
    judge = Judge(start, arguments.layers)
    scorer = Scorer(judge, tokenizer_of(start.pieces, start.scores), half=arguments.half)
    CACHE.mkdir(parents=True, exist_ok=True)
    weights = CACHE / "judge.safetensors"
    if arguments.mean is not None:
        judge.take(judge_folder() / "model.safetensors")
        save_file(_mean(load_file(weights), judge.state_dict(), arguments.mean), weights)
        return
    if again := arguments.again:
        if weights.is_file():
            judge.load_state_dict(load_file(weights))
        else:
            judge.take(judge_folder() / "model.safetensors")
        judge.keep_still()
    material = choices()
    learned = [choice for choice in material if not is_held_out(choice.title or choice.question)]
    held_out = [choice for choice in material if is_held_out(choice.title or choice.question)]
    print(f"{len(learned):,} questions to learn from, {len(held_out):,} held out", flush=True)
    free = [each for each in judge.parameters() if each.requires_grad]
    matrices = [each for each in free if each.ndim > 1]
    others = [each for each in free if each.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=_RATE, betas=(0.9, 0.98), fused=True)
    if again:
        learned = _again(learned)
        if hard := offered():  # half of what is learned
            learned = [*random.Random(_SEED).sample(learned, len(hard)), *hard]
        _measure(scorer, held_out, 600)
    batches = _batches(learned, random.Random(_SEED + again), again=again)
    started, losses = time.monotonic(), []
    for step in range(1, arguments.steps + 1):
        fall = 0.5 * (1 + math.cos(math.pi * step / arguments.steps))
        rate = (_RATE_AGAIN if again else _RATE) * min(1, step / _RISE)
        for group in optimiser.param_groups:
            group["lr"] = rate * (_LEAST + (1 - _LEAST) * fall)
        batch = next(batches)
        loss = _loss(batch, scorer.logits(batch))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(free, 1.0)
        optimiser.step()
        losses.append(loss.item())
        if step % 25 == 0:
            seconds = time.monotonic() - started
            print(f"step {step}: loss {np.mean(losses[-50:]):.3f}, {seconds:.0f} s", flush=True)
        if step % 250 == 0 or step == arguments.steps:
            save_file(judge.state_dict(), weights)
        if step % 500 == 0 and step < arguments.steps:
            _measure(scorer, held_out, 200)
    _measure(scorer, held_out, 600)


if __name__ == "__main__":
    main()
