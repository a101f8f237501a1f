"""The plots of the report, as SVG that takes its colours from the page around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag_eval.metrics import measure, percentile, risk_coverage
from rag_eval.ranking import recall_at

if TYPE_CHECKING:
    from rag_eval.outcomes import Outcome

__all__ = ["Plot", "plots_of"]

_WIDTH, _HEIGHT = 460, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 20, 14, 40
_BINS = 20
_MOST_RANKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot, and what it says in words. ``svg`` is markup made of numbers and fixed words."""

    title: str
    reading: str
    svg: str
    legend: tuple[tuple[str, str], ...] = ()
    """Style and name of what is drawn, where there is more than one."""


@dataclass(slots=True)
class _Canvas:
    """Axes, and shapes in their units."""

    x_most: float
    y_most: float
    x_least: float = 0.0
    y_least: float = 0.0
    shapes: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        share = (value - self.x_least) / (self.x_most - self.x_least)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.y_least) / (self.y_most - self.y_least)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)

    def text(self, x: float, y: float, words: str, *, anchor: str = "middle") -> None:
        self.shapes.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>')

    def axes(
        self,
        *,
        x_ticks: Iterable[tuple[float, str]],
        y_ticks: Iterable[tuple[float, str]],
        x_name: str,
    ) -> None:
        for value, words in y_ticks:
            line = f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}"'
            self.shapes.append(f'{line} y1="{self.y(value)}" y2="{self.y(value)}"/>')
            self.text(_LEFT - 8, self.y(value) + 4, words, anchor="end")
        for value, words in x_ticks:
            self.text(self.x(value), _HEIGHT - _BOTTOM + 18, words)
        self.text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 5, x_name)

    def line(self, points: Sequence[tuple[float, float]], *, style: str) -> None:
        path = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        self.shapes.append(f'<polyline class="{style}" points="{path}"/>')

    def area(self, points: Sequence[tuple[float, float]], *, style: str) -> None:
        path = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        self.shapes.append(f'<polygon class="{style}" points="{path}"/>')

    def dot(self, x: float, y: float, *, tip: str) -> None:
        dot = f'<circle class="dot" cx="{self.x(x)}" cy="{self.y(y)}" r="3.5">'
        self.shapes.append(f"{dot}<title>{tip}</title></circle>")

    def bar(self, left: float, right: float, height: float, *, style: str, tip: str) -> None:
        top, bottom = sorted((self.y(0), self.y(height)))
        self.shapes.append(
            f'<rect class="{style}" x="{self.x(left) + 1}" y="{top}" rx="1.5"'
            f' width="{max(self.x(right) - self.x(left) - 2, 1):.1f}"'
            f' height="{bottom - top:.1f}"><title>{tip}</title></rect>'
        )

    def rule(self, x: float, words: str, *, row: int = 0) -> None:
        at = self.x(x)
        line = f'<line class="rule" x1="{at}" x2="{at}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
        self.shapes.append(line)
        right = at > _WIDTH * 0.7
        place = at - 5 if right else at + 5
        self.text(place, _TOP + 10 + 15 * row, words, anchor="end" if right else "start")

    def svg(self, label: str) -> str:
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
            + "".join(self.shapes)
            + "</svg>"
        )


def plots_of(outcomes: Sequence[Outcome], *, top_k: int) -> tuple[Plot, ...]:
    """The plots that a run has something to show in."""
    made = (_recall(outcomes, top_k), _risk(outcomes), _confidence(outcomes), _latency(outcomes))
    return tuple(plot for plot in made if plot is not None)


_SHARES = tuple((share / 4, f"{25 * share}%") for share in range(5))


def _recall(outcomes: Sequence[Outcome], top_k: int) -> Plot | None:
    ranked = [outcome.ranks for outcome in outcomes if outcome.ranks]
    last = min(top_k, _MOST_RANKS)
    if not ranked or last < 2:
        return None
    cutoffs = range(1, last + 1)
    means = [measure([recall_at(ranks, cutoff) for ranks in ranked]) for cutoff in cutoffs]
    floor = 0.5 if min(each.low for each in means) >= 0.5 else 0.0
    canvas = _Canvas(x_least=1, x_most=last, y_least=floor, y_most=1)
    step = 1 if last <= 10 else 5
    ticks = [(k, str(k)) for k in cutoffs if k == 1 or k % step == 0]
    shares = [(share, words) for share, words in _SHARES if share >= floor]
    canvas.axes(x_ticks=ticks, y_ticks=shares, x_name="k, passages read")
    upper = [(k, each.high) for k, each in zip(cutoffs, means, strict=True)]
    lower = [(k, each.low) for k, each in zip(cutoffs, means, strict=True)]
    canvas.area([*upper, *reversed(lower)], style="band")
    canvas.line([(k, each.value) for k, each in zip(cutoffs, means, strict=True)], style="curve")
    for k, each in zip(cutoffs, means, strict=True):
        tip = f"recall@{k} {each.value:.3f} ({each.low:.3f} – {each.high:.3f})"
        canvas.dot(k, each.value, tip=tip)
    first, end = means[0].value, means[-1].value
    return Plot(
        title="Recall@k",
        reading=f"{first:.1%} of the evidence is in the first passage, {end:.1%} in the first"
        f" {last}; the band is the 95% interval.",
        svg=canvas.svg("Recall by number of passages read"),
    )


def _risk(outcomes: Sequence[Outcome]) -> Plot | None:
    points = risk_coverage(outcomes)
    if not points:
        return None
    top = max(0.05, *(risk for _, risk in points))
    top = next(most for most in (0.05, 0.1, 0.2, 0.4, 1.0) if top <= most)
    canvas = _Canvas(x_most=1, y_most=top)
    ticks = [(top * share / 4, f"{100 * top * share / 4:.3g}%") for share in range(5)]
    canvas.axes(x_ticks=_SHARES, y_ticks=ticks, x_name="coverage, questions answered")
    canvas.area([(points[0][0], 0), *points, (points[-1][0], 0)], style="risk-area")
    canvas.line(points, style="risk")
    coverage, risk = points[-1]
    canvas.dot(coverage, risk, tip=f"{coverage:.1%} answered, {risk:.1%} of these wrong")
    return Plot(
        title="Risk and coverage",
        reading=f"{coverage:.1%} of the questions are answered, {risk:.1%} of the answers wrong."
        " To the left: only the surest answers are given.",
        svg=canvas.svg("Share of wrong answers by share of questions answered"),
    )


def _confidence(outcomes: Sequence[Outcome]) -> Plot | None:
    replies = [(o.case.answerable, o.reply) for o in outcomes if o.reply is not None]
    if not replies:
        return None
    counts = {True: [0] * _BINS, False: [0] * _BINS}
    for answerable, reply in replies:
        counts[answerable][min(max(int(reply.confidence * _BINS), 0), _BINS - 1)] += 1
    # Shares of each kind: there are seldom as many questions of one as of the other.
    totals = {kind: max(sum(bins), 1) for kind, bins in counts.items()}
    up, down = (max(counts[kind]) / totals[kind] for kind in (True, False))
    canvas = _Canvas(x_most=1, y_most=max(up, 0.05) * 1.15, y_least=-max(down, 0.05))
    y_ticks = [(share, f"{abs(share):.0%}") for share in (-down, 0, up)]
    canvas.axes(x_ticks=_SHARES, y_ticks=y_ticks, x_name="confidence")
    for kind, style, sign in ((True, "yes", 1), (False, "no", -1)):
        name = "answerable" if kind else "unanswerable"
        for each, count in enumerate(counts[kind]):
            left, right = each / _BINS, (each + 1) / _BINS
            if count:
                tip = f"{count} of {totals[kind]} {name}, confidence {left:.2f} – {right:.2f}"
                canvas.bar(left, right, sign * count / totals[kind], style=style, tip=tip)
    given = [reply.confidence for _, reply in replies if reply.answered]
    if given:
        canvas.rule(min(given), "answered from here")
    return Plot(
        title="Confidence",
        reading="Shares of either kind. The further apart the two, the better can a refusal be told"
        " from an answer.",
        svg=canvas.svg("Questions by confidence, answerable above and unanswerable below"),
        legend=(("yes", "answerable"), ("no", "unanswerable")),
    )


def _latency(outcomes: Sequence[Outcome]) -> Plot | None:
    times = [o.reply.milliseconds for o in outcomes if o.reply is not None]
    if not times or max(times) <= 0:
        return None
    middle, late, last = (percentile(times, share) for share in (50, 95, 99))
    most = last * 1.1
    bins = [0] * (_BINS + 8)
    for each in times:
        bins[min(int(each / most * len(bins)), len(bins) - 1)] += 1
    canvas = _Canvas(x_most=most, y_most=max(bins) * 1.3)
    digits = 0 if most >= 40 else 1
    x_ticks = [(most * share / 4, f"{most * share / 4:.{digits}f}") for share in range(5)]
    y_ticks = [(0, "0"), (max(bins), str(max(bins)))]
    canvas.axes(x_ticks=x_ticks, y_ticks=y_ticks, x_name="milliseconds")
    for number, count in enumerate(bins):
        left, right = (most * place / len(bins) for place in (number, number + 1))
        more = " or more" if number == len(bins) - 1 else f" – {right:.1f}"
        if count:
            tip = f"{count} replies, {left:.1f}{more} ms"
            canvas.bar(left, right, count, style="time", tip=tip)
    canvas.rule(middle, f"half within {middle:.1f}", row=0)
    canvas.rule(late, f"95% within {late:.1f}", row=1)
    return Plot(
        title="Latency",
        reading=f"Half of the replies came within {middle:.1f} ms, 99% within {last:.1f} ms.",
        svg=canvas.svg("Replies by milliseconds"),
    )
