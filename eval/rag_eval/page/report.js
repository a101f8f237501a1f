"use strict";
// The list of cases. Whatever a document or a person wrote is put in as text, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const list = document.getElementById("list");
const search = document.getElementById("search");
const tag = document.getElementById("tag");
const kind = document.getElementById("kind");
const more = document.getElementById("more");
const states = [...document.querySelectorAll("[data-state]")];
const PAGE = 60;
const LOWER_IS_BETTER = new Set(["answerable_refused", "unanswerable_answered"]);
const NO_SHARE = new Set(["answer_length", "character_f1"]);
let state = "all";
let shown = PAGE;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key === "click") made.addEventListener("click", value);
    else if (value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function languageOf(each) {
  return each.language === "zh" ? "zh-CN" : each.language === "en" ? "en" : null;
}

const haystacks = new Map(
  data.cases.map((each) => [
    each,
    [each.id, each.question, each.answer || "", each.note, ...each.tags, ...each.reasons]
      .join("\n")
      .toLowerCase(),
  ]),
);

function chosen() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  return data.cases.filter(
    (each) =>
      (state === "all" ||
        (state === "failed" && !each.passed) ||
        (state === "passed" && each.passed) ||
        each.change === state) &&
      (!tag.value || each.tags.includes(tag.value)) &&
      (!kind.value || each.answerable === (kind.value === "answerable")) &&
      words.every((word) => haystacks.get(each).includes(word)),
  );
}

function figure(value, name) {
  return element("span", {}, element("b", {}, value), name);
}

function row(each) {
  const under = element("span", { class: "under" }, element("span", {}, each.id));
  if (each.mustPass) under.append(element("span", { class: "tag must" }, "must pass"));
  if (each.change) under.append(element("span", { class: `tag ${each.change}` }, each.change));
  for (const name of each.tags) under.append(element("span", { class: "tag" }, name));
  if (each.reasons.length) under.append(element("span", { class: "reason" }, each.reasons.join("; ")));
  const figures = element("span", { class: "figures" });
  if (each.evidence.length) figures.append(figure(each.rank ? String(each.rank) : "–", "rank"));
  if (each.confidence !== undefined) {
    figures.append(figure(each.confidence.toFixed(2), "confidence"));
    figures.append(figure(each.milliseconds.toFixed(1), "ms"));
  }
  const button = element(
    "button",
    { type: "button", "aria-expanded": "false", click: () => toggle(item, each) },
    element("span", { class: "state", role: "img", "aria-label": each.passed ? "passed" : "failed" }),
    element("span", {}, element("span", { class: "ask", lang: languageOf(each) }, each.question), under),
    figures,
  );
  const item = element(
    "div",
    { class: each.passed ? "case" : "case failed", role: "listitem", "data-id": each.id },
    button,
  );
  return item;
}

function toggle(item, each) {
  const open = item.classList.toggle("open");
  item.firstChild.setAttribute("aria-expanded", String(open));
  if (open) item.append(inside(each));
  else item.lastChild.remove();
}

function block(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}

/** The answer with its markers as chips that lead to their marks. */
function answerOf(each, place) {
  const text = element("p", {
    class: each.answered ? "answer" : "answer refused",
    lang: languageOf(each),
  });
  const known = new Set(each.citations.map(([marker]) => String(marker)));
  for (const part of each.answer.split(/(\[\d{1,3}\])/)) {
    const marker = part.slice(1, -1);
    if (!/^\[\d{1,3}\]$/.test(part) || !known.has(marker)) {
      text.append(part);
      continue;
    }
    const look = () => {
      const mark = place().querySelector(`mark[data-marker="${marker}"]`);
      if (mark) mark.scrollIntoView({ block: "center" });
    };
    text.append(element("button", { type: "button", class: "chip", click: look }, marker));
  }
  return text;
}

/** A passage's text, cut where a citation or a piece of evidence begins or ends. */
function marked(passage, citations, evidence) {
  const characters = Array.from(passage.text); // offsets count code points
  const spans = [];
  for (const [marker, document_, start, end] of citations) {
    const from = Math.max(start - passage.start, 0);
    const to = Math.min(end - passage.start, characters.length);
    if (document_ === passage.document && from < to) spans.push({ from, to, marker });
  }
  for (const [quote] of evidence) {
    const at = passage.text.indexOf(quote);
    if (at < 0) continue;
    const from = Array.from(passage.text.slice(0, at)).length;
    spans.push({ from, to: from + Array.from(quote).length, marker: null });
  }
  const cuts = [...new Set([0, characters.length, ...spans.flatMap(({ from, to }) => [from, to])])];
  cuts.sort((a, b) => a - b);
  const text = element("p", { class: "text" });
  cuts.slice(0, -1).forEach((from, number) => {
    const here = spans.filter((span) => span.from <= from && span.to > from);
    const cited = here.filter((span) => span.marker !== null);
    let piece = characters.slice(from, cuts[number + 1]).join("");
    if (here.some((span) => span.marker === null)) piece = element("span", { class: "wanted" }, piece);
    if (!cited.length) {
      text.append(piece);
      return;
    }
    const mark = element("mark", { "data-marker": String(cited[0].marker) }, piece);
    const ending = cited.filter((span) => span.to === cuts[number + 1]);
    if (ending.length) mark.append(element("sup", {}, ending.map((span) => span.marker).join(",")));
    text.append(mark);
  });
  return text;
}

function passageOf(each, [place, score, signals], number) {
  const passage = data.passages[place];
  const holds = each.evidence.some(([, rank]) => rank === number + 1);
  const where = [passage.title || passage.source, ...passage.section].filter(Boolean).join(" › ");
  const named = Object.entries(signals).map(([name, value]) => `${name} ${value}`);
  return element(
    "div",
    { class: holds ? "passage holds" : "passage" },
    element(
      "p",
      { class: "place" },
      element("span", {}, element("b", {}, `${number + 1}`), ` ${where}`),
      element("span", {}, holds ? "holds the evidence · " : "", `score ${score}`),
    ),
    marked(passage, each.citations, each.evidence),
    named.length ? element("p", { class: "signals" }, named.join(" · ")) : null,
  );
}

function valuesOf(each) {
  const body = element("tbody");
  for (const [name, value, reason] of each.values) {
    const short = NO_SHARE.has(name) ? false : LOWER_IS_BETTER.has(name) ? value > 0 : value < 1;
    const shownValue = Number.isInteger(value) ? String(value) : value.toFixed(3);
    body.append(
      element(
        "tr",
        {},
        element("th", { scope: "row" }, name),
        element("td", { class: short ? "number short" : "number" }, shownValue),
        element("td", {}, reason),
      ),
    );
  }
  return element("table", { class: "values" }, body);
}

function inside(each) {
  const left = element("div", { class: "told" });
  const right = element("div", { class: "read" });
  if (each.history.length) {
    const turns = each.history.map(([role, text]) => element("p", { class: "turn" }, `${role}: ${text}`));
    left.append(block("Before it", ...turns));
  }
  if (each.answer !== undefined) {
    const title = each.answered ? "Answer" : `Refused${each.refusal ? ` · ${each.refusal}` : ""}`;
    left.append(block(title, answerOf(each, () => right)));
    if (each.rewritten && each.rewritten !== each.question) {
      left.append(block("Searched as", element("p", {}, each.rewritten)));
    }
  }
  const filters = Object.entries(each.filters).map(([name, value]) => `${name} = ${value}`);
  if (filters.length) left.append(block("Filters", element("p", {}, filters.join(", "))));
  const expected = element("ul");
  for (const group of each.expected) expected.append(element("li", {}, group.join("  or  ")));
  if (!each.answerable) expected.append(element("li", {}, "A refusal: the documents hold no answer."));
  for (const [text, rank] of each.evidence) {
    const at = rank ? element("small", { class: "right" }, ` rank ${rank}`) : element("small", { class: "wrong" }, " not found");
    expected.append(element("li", {}, element("span", { class: "wanted" }, text), at));
  }
  left.append(block("Expected", expected));
  if (each.reasons.length) {
    const items = each.reasons.map((reason) => element("li", { class: "wrong" }, reason));
    left.append(block("What is wrong", element("ul", {}, ...items)));
  }
  if (each.before) {
    const was = each.before.reasons.map((reason) => element("p", { class: "wrong" }, reason));
    const rank = each.before.rank ? element("small", {}, `evidence at rank ${each.before.rank}`) : null;
    const found = each.before.passages.map((text) => element("li", {}, element("small", {}, text)));
    const before = [element("p", {}, each.before.answer), ...was, rank, element("ul", {}, ...found)];
    left.append(block("In the baseline", ...before));
  }
  if (each.note) left.append(block("Note", element("p", {}, each.note)));
  if (each.hits && each.hits.length) {
    const key = element(
      "p",
      { class: "key" },
      element("span", {}, element("mark", {}, "cited")),
      element("span", {}, element("span", { class: "wanted" }, "expected evidence")),
    );
    right.append(block("Passages", key, ...each.hits.map((hit, number) => passageOf(each, hit, number))));
  } else {
    right.append(block("Passages", element("p", {}, "None came back.")));
  }
  const measured = element("div", { class: "measured" }, block("Measured", valuesOf(each)));
  return element("div", { class: "inside" }, left, right, measured);
}

function draw() {
  const found = chosen();
  list.replaceChildren(...found.slice(0, shown).map(row));
  if (!found.length) list.append(element("p", { class: "empty" }, "No case is like that."));
  more.hidden = found.length <= shown;
  document.getElementById("count").textContent = `${found.length} of ${data.cases.length}`;
}

function redraw() {
  shown = PAGE;
  draw();
}

function choose(wanted) {
  state = wanted;
  for (const each of states) each.setAttribute("aria-pressed", String(each.dataset.state === wanted));
  redraw();
}

/** Open the case that the address names: report.html#case=ID. */
function follow() {
  const named = /^#case=(.+)$/.exec(location.hash);
  if (!named) return;
  const id = decodeURIComponent(named[1]);
  const number = data.cases.findIndex((each) => each.id === id);
  if (number < 0) return;
  search.value = tag.value = kind.value = "";
  choose("all");
  shown = Math.max(PAGE, number + 1);
  draw();
  const item = list.children[number];
  toggle(item, data.cases[number]);
  item.scrollIntoView();
}

const tags = new Map();
for (const each of data.cases) for (const name of each.tags) tags.set(name, (tags.get(name) || 0) + 1);
for (const [name, count] of tags) tag.append(element("option", { value: name }, `${name} (${count})`));
for (const each of states) each.addEventListener("click", () => choose(each.dataset.state));
for (const each of document.querySelectorAll("[data-show]")) {
  each.addEventListener("click", () => {
    choose(each.dataset.show);
    document.getElementById("cases").scrollIntoView();
  });
}
search.addEventListener("input", redraw);
tag.addEventListener("change", redraw);
kind.addEventListener("change", redraw);
more.addEventListener("click", () => {
  shown += PAGE;
  draw();
});
addEventListener("hashchange", follow);
draw();
follow();
