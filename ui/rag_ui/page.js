// The behaviour of the page: language, colours, the evidence panel, keys. All text that comes from
// documents and questions is put into the page elsewhere, escaped; nothing here writes HTML.
// `ragTexts` is defined before this script: the few texts that are attributes, in both languages.
(() => {
  "use strict";
  const root = document.documentElement;
  const triggers = {};
  const judged = {}; // by turn: "good" or "bad"

  const remembered = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage is switched off
    }
  };
  const remember = (name, value) => {
    try {
      localStorage.setItem(name, value);
    } catch {
      // it lasts as long as the page
    }
  };
  const find = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const isNarrow = () => matchMedia("(max-width: 900px)").matches;
  const said = (key) => ragTexts[key][root.dataset.language === "zh" ? 0 : 1];

  // Language

  const label = () => {
    const field = find("#rag-question textarea");
    if (field) {
      field.placeholder = said("placeholder");
      field.setAttribute("aria-label", said("question"));
      field.setAttribute("enterkeyhint", "send");
    }
    const buttons = { ".submit-button": "send", ".stop-button": "stop" };
    for (const [selector, key] of Object.entries(buttons)) {
      const button = find(`#rag-question ${selector}`);
      if (button && button.title !== said(key)) {
        button.title = said(key);
        button.setAttribute("aria-label", said(key));
      }
    }
    // The framework names messages by their HTML, and examples in English; their text names them.
    for (const each of all("#rag-conversation :is([data-testid], .example)[aria-label]")) {
      each.removeAttribute("aria-label");
    }
    find("#rag-conversation [role=log]")?.setAttribute("aria-label", said("conversation"));
    find("#rag-evidence")?.setAttribute("aria-label", said("evidence"));
    find("#rag-documents")?.setAttribute("aria-label", said("documents"));
    find("#rag-documents input[type=file]")?.setAttribute("aria-label", said("add_files"));
    for (const link of all("#rag-conversation a.judge")) {
      const [, kind, turn] = /^#(good|bad)-(\d+)$/.exec(link.getAttribute("href"));
      link.classList.toggle("chosen", judged[turn] === kind);
      link.setAttribute("aria-pressed", String(judged[turn] === kind));
      link.setAttribute("role", "button");
    }
  };
  const speak = (language) => {
    root.dataset.language = language;
    root.lang = language === "zh" ? "zh-CN" : "en";
    document.title = said("title");
    label();
  };
  const browserSpeaks = (navigator.languages?.[0] ?? navigator.language ?? "").toLowerCase();
  speak(remembered("rag-language") ?? (browserSpeaks.startsWith("zh") ? "zh" : "en"));

  // Colours

  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const chosen = remembered("rag-theme");
    const dark = chosen ? chosen === "dark" : systemIsDark.matches;
    document.body?.classList.toggle("dark", dark);
    root.style.colorScheme = dark ? "dark" : "light";
  };
  systemIsDark.addEventListener("change", paint);
  paint();

  // The side panel; on narrow screens a sheet over the conversation

  let opener = null;
  const showSide = (side) => {
    root.dataset.side = side;
    for (const tab of all("#rag-tabs [role=tab]")) {
      const selected = tab.dataset.side === side;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
    }
  };
  const openSheet = (from) => {
    if (!isNarrow()) return;
    opener = from;
    root.dataset.sheet = "open";
    find("#rag-tabs .close")?.focus({ preventScroll: true });
  };
  const closeSheet = () => {
    if (root.dataset.sheet !== "open") return;
    delete root.dataset.sheet;
    opener?.focus({ preventScroll: true });
    opener = null;
  };

  const showTurn = (turn) => {
    for (const section of all("#rag-evidence .turn")) {
      section.hidden = section.id !== `evidence-${turn}`;
    }
    root.dataset.evidence = find(`#evidence-${turn}`) ? "shown" : "none";
  };
  const announce = (words) => {
    const status = find("#rag-status");
    if (status) status.textContent = words;
  };
  const point = (kind, turn, number, from) => {
    showSide("evidence");
    showTurn(turn);
    openSheet(from);
    for (const each of all("#rag-side .current, #rag-conversation .current")) {
      each.classList.remove("current");
    }
    const target = document.getElementById(`${kind}-${turn}-${number}`);
    if (!target) return;
    const card = target.closest(".card");
    const marks = kind === "quotation" ? all(`mark.quotation-${turn}-${number}`) : [];
    for (const each of [from, card, ...marks]) each.classList.add("current");
    const details = target.closest("details");
    if (details) details.open = true;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    // A card that fits is shown from its beginning; in a longer one, the marked words.
    const whole = !marks.length || card.offsetHeight < find("#rag-evidence").clientHeight;
    (whole ? card : marks[0]).scrollIntoView({
      behavior: still ? "auto" : "smooth",
      block: whole ? "start" : "center",
    });
    const title = card.querySelector("h3").textContent;
    announce([from.title || from.textContent, title, ...marks.map((m) => m.textContent)].join(". "));
  };

  // Copying

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without https, other machines' browsers have no clipboard but this old way to it.
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
  };
  const copyAnswer = async (turn, link) => {
    const text = document.getElementById(`copy-${turn}`)?.textContent;
    if (!text) return;
    await copy(text);
    link.classList.add("done");
    announce(said("copied"));
    setTimeout(() => link.classList.remove("done"), 2000);
  };

  // Judging answers

  const judge = (kind, turn) => {
    judged[turn] = kind;
    label();
    triggers.header("judge", { turn: Number(turn), good: kind === "good", comment: "" });
    announce(said("judged"));
    const dialog = find("#rag-comment");
    if (kind === "good" || !dialog) return;
    dialog.dataset.turn = turn;
    find("#rag-comment-text").value = "";
    dialog.showModal();
    find("#rag-comment-text").focus();
  };
  const tell = () => {
    const comment = find("#rag-comment-text").value.trim();
    const turn = Number(find("#rag-comment").dataset.turn);
    // The latest judgement of an answer counts: this one has the words.
    if (comment) triggers.header("judge", { turn, good: false, comment });
  };

  // What is clicked

  const followed = (link) => {
    const [, kind, turn, number] =
      /^#(quotation|passage|exact|again|copy|good|bad)-(\d+)(?:-(\d+))?$/.exec(link.getAttribute("href")) ?? [];
    if (kind === "quotation" || kind === "passage") point(kind, turn, number, link);
    else if (kind === "exact" || kind === "again") triggers.header(kind, { turn: Number(turn) });
    else if (kind === "copy") copyAnswer(turn, link);
    else if (kind === "good" || kind === "bad") judge(kind, turn);
    return kind !== undefined;
  };
  const pressed = (button) => {
    const item = button.closest("[data-document]");
    const sure = item?.querySelector(".sure");
    if (button.matches(".remove")) {
      sure.hidden = false;
      sure.querySelector(".no").focus();
    } else if (button.matches(".no")) {
      sure.hidden = true;
      item.querySelector(".remove").focus();
    } else if (button.matches(".yes")) {
      button.disabled = true;
      triggers.header("remove", { document: item.dataset.document });
    } else if (button.matches(".add")) {
      const input = find("#rag-documents input[type=file]");
      input.accept = button.dataset.accept;
      input.click();
    } else if (button.matches("[data-side]")) {
      showSide(button.dataset.side);
      if (!button.matches("[role=tab]")) openSheet(button);
      if (button.dataset.side === "documents") triggers.header("documents");
    } else if (button.matches("#rag-comment .tell")) {
      tell();
    } else if (button.matches(".close")) {
      closeSheet();
    } else if (button.matches(".new")) {
      triggers.header("restart");
      for (const turn of Object.keys(judged)) delete judged[turn];
      find("#rag-question textarea")?.focus();
    } else if (button.matches(".language")) {
      const language = root.dataset.language === "zh" ? "en" : "zh";
      remember("rag-language", language);
      speak(language);
    } else if (button.matches(".theme")) {
      remember("rag-theme", document.body.classList.contains("dark") ? "light" : "dark");
      paint();
    } else if (button.matches("#rag-question button, #rag-conversation .example") && !isNarrow()) {
      // The button goes away; whoever clicked goes on typing.
      setTimeout(() => find("#rag-question textarea")?.focus(), 0);
    }
  };
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.("#rag-conversation a[href^='#']");
      if (link && followed(link)) {
        event.preventDefault();
        event.stopPropagation();
        return;
      }
      const button = event.target.closest?.("button");
      if (button) pressed(button);
      else if (event.target.matches?.("#rag-main") || event.target === document.body) closeSheet();
    },
    true,
  );

  document.addEventListener(
    "change",
    (event) => {
      if (event.target.matches?.("#rag-documents input[type=file]")) root.dataset.busy = "reading";
    },
    true,
  );

  window.addEventListener(
    "keydown",
    (event) => {
      // Enter that chooses among an input method's characters does not send the question.
      const composing = event.isComposing || event.keyCode === 229;
      if (event.key === "Enter" && composing && event.target.closest("#rag-question")) {
        event.stopImmediatePropagation();
      } else if (event.key === "Escape") {
        closeSheet();
      } else if (event.target.matches?.("[role=tab]") && /^Arrow(Left|Right)$/.test(event.key)) {
        const tabs = all("#rag-tabs [role=tab]");
        tabs[(tabs.indexOf(event.target) + 1) % tabs.length].focus();
      }
    },
    true,
  );

  window.ragPage = {
    // Called as each of the page's own components appears.
    connect(name, trigger) {
      triggers[name] = trigger;
    },
    // New evidence is in the panel: show that of the latest answer.
    refreshed() {
      const turns = all("#rag-evidence .turn");
      const latest = turns.at(-1);
      showTurn(latest ? latest.id.replace("evidence-", "") : "");
      showSide("evidence");
      if (latest) find("#rag-evidence").scrollTop = 0;
    },
    // What was chosen has been read, or refused.
    uploaded() {
      delete root.dataset.busy;
    },
    // Everything is in place.
    ready() {
      paint();
      speak(root.dataset.language); // again: the framework has set a language and a title of its own
      showSide("evidence");
      const panel = find("#rag-evidence");
      panel?.setAttribute("role", "tabpanel");
      find("#rag-documents")?.setAttribute("role", "tabpanel");
      const field = find("#rag-question");
      if (field) new MutationObserver(label).observe(field, { childList: true, subtree: true });
      const log = find("#rag-conversation");
      if (log) new MutationObserver(label).observe(log, { childList: true, subtree: true });
      if (!isNarrow()) find("#rag-question textarea")?.focus();
    },
  };
})();
