// One row at a time, by keyboard. Every answer is kept in this browser until the server has it on its disk.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const main = $("main");
  const me = main.dataset.person;
  const deciding = main.dataset.deciding === "yes";
  const answers = document.querySelector("footer.answer");
  const marks = [...document.querySelectorAll(".mark")];
  const categories = marks.map((mark) => mark.dataset.category);

  // ---- answers that the server does not have yet -------------------------------------------------------------
  // One entry of localStorage each, so that two tabs of one person never overwrite each other's.
  const prefix = `wolfnote/${main.dataset.run}/${me}/`;
  const pending = new Map();
  let order = 0;
  let sending = false;
  let wait = 0;

  function newId() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function keep(label) {
    const entry = { order: Date.now() * 1000 + (order++ % 1000), label };
    pending.set(label.id, entry);
    try {
      localStorage.setItem(prefix + label.id, JSON.stringify(entry));
    } catch {
      tell("This browser keeps nothing: do not close the page while answers are unsent.");
    }
    send();
  }

  function recall() {
    for (let i = 0; i < localStorage.length; i++) {
      const key = localStorage.key(i);
      if (!key.startsWith(prefix)) continue;
      try {
        const entry = JSON.parse(localStorage.getItem(key));
        pending.set(entry.label.id, entry);
      } catch {
        localStorage.removeItem(key);
      }
    }
  }

  function inOrder() {
    return [...pending.values()].sort((a, b) => a.order - b.order).map((entry) => entry.label);
  }

  async function send() {
    showSaved();
    if (sending || !pending.size) return;
    sending = true;
    try {
      while (pending.size) {
        const batch = inOrder().slice(0, 50);
        const { refused } = await post("say", { said: batch });
        for (const label of batch) {
          pending.delete(label.id);
          localStorage.removeItem(prefix + label.id);
        }
        for (const reason of new Set(Object.values(refused))) tell(`Not kept: ${reason}.`);
        wait = 0;
        showSaved();
      }
    } catch (error) {
      if (error.reason) tell(error.reason);
      wait = Math.min(wait ? wait * 2 : 500, 5000);
      setTimeout(send, wait);
    } finally {
      sending = false;
      showSaved();
    }
  }

  function showSaved() {
    const n = pending.size;
    const away = n > 0 && wait > 0;
    const text = away ? `${n} kept in this browser; the server is away` : n ? "Saving …" : "Saved";
    if ($("saved").textContent !== text) $("saved").textContent = text;
    $("saved").classList.toggle("away", away);
    main.dataset.unsent = n;
  }

  async function ask(path, options) {
    const response = await fetch(`/review/${path}`, { headers: { Accept: "application/json" }, ...options });
    if (response.ok) return response.json();
    const error = new Error(response.status);
    error.reason = response.status === 401 ? "Open your link from the terminal again." : (await response.json()).reason;
    throw error;
  }

  function post(path, body) {
    const headers = { Accept: "application/json", "Content-Type": "application/json" };
    return ask(path, { method: "POST", headers, body: JSON.stringify({ reviewer: me, ...body }) });
  }

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  // ---- rows --------------------------------------------------------------------------------------------------
  let rows = []; // [number, id]
  const mine = new Map(); // id → label
  const final = new Set();
  let answered = []; // ids, oldest first: what undo takes back
  const loaded = new Map(); // number → promise of a conversation
  let at = -1;
  let shown = false;
  let reviewing = false; // a reviewer who decides rows that are not theirs sees what others say only when asking for it
  let ticket = 0;
  let chosen = new Set();
  const timer = { sum: 0, since: 0 };

  function load(number, whole) {
    if (whole) return ask(`rows/${number}?whole`);
    if (!loaded.has(number)) {
      const row = ask(`rows/${number}`);
      row.catch(() => loaded.delete(number));
      loaded.set(number, row);
      if (loaded.size > 40) loaded.delete(loaded.keys().next().value);
    }
    return loaded.get(number);
  }

  async function loadPatiently(number, whole) {
    for (;;) {
      try {
        return await load(number, whole);
      } catch (error) {
        tell(error.reason || "The server is away. This page goes on by itself when it is back.");
        await pause(700);
      }
    }
  }

  async function start() {
    recall();
    let state;
    while (!state) {
      try {
        state = await ask(deciding ? "state?deciding" : "state");
      } catch (error) {
        tell(error.reason || "The server is away. This page goes on by itself when it is back.");
        await pause(700);
      }
    }
    rows = state.rows;
    const known = Object.values(state.mine).sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    for (const label of [...known, ...inOrder().filter((label) => label.adjudicated === deciding)]) take(label);
    for (const row of state.final) final.add(row);
    if (state.elsewhere) tell(`${state.elsewhere} more are disputed, but you have reviewed them: somebody else decides.`);
    else quiet();
    reviewing = state.reviewing;
    send();
    next(0);
  }

  function take(label) {
    answered = answered.filter((row) => row !== label.row);
    if (label.withdrawn) mine.delete(label.row);
    else {
      mine.set(label.row, label);
      answered.push(label.row);
    }
  }

  function settled(row) {
    return mine.has(row) || final.has(row); // one may have decided a row that one was to review
  }

  function next(from) {
    for (let step = 0; step < rows.length; step++) {
      const index = (from + step) % rows.length;
      if (!settled(rows[index][1])) return show(index);
    }
    done();
  }

  async function show(index) {
    const turn = ++ticket;
    at = index;
    shown = false;
    const [number, row] = rows[at];
    const own = mine.get(row);
    choose(own ? own.categories : [], own ? own.note : "");
    where();
    const conversation = await loadPatiently(number);
    if (turn !== ticket) return;
    draw(conversation, number);
    quiet();
    lock();
    shown = true;
    timer.sum = 0;
    timer.since = performance.now();
    main.dataset.row = row;
    $("row").focus({ preventScroll: true });
    scrollTo(0, 0);
    $("live").textContent = `${$("place").textContent}. ${$("left").textContent}`;
    if (final.has(row) || (deciding && !reviewing)) look();
    for (let i = 1; i <= 4 && at + i < rows.length; i++) load(rows[at + i][0]).catch(() => {});
  }

  function where() {
    const done = rows.filter(([, row]) => settled(row)).length;
    const times = [...mine.values()].map((label) => label.seconds).filter((s) => s > 0).sort((a, b) => a - b);
    const median = times[times.length >> 1];
    const left = rows.length - done;
    const minutes = median && left ? (median * left) / 60 : 0;
    const pace = minutes ? ` · ${median.toFixed(1)} s a row, ${minutes < 1 ? "under a minute" : `about ${Math.round(minutes)} min`} left` : "";
    $("place").textContent = at < 0 ? "" : `Row ${at + 1} of ${rows.length}`;
    $("left").textContent = at < 0 ? "" : ` · ${left} left${pace}`;
    $("progress").max = rows.length || 1;
    $("progress").value = done;
    main.dataset.done = done;
  }

  function done() {
    ticket++;
    at = -1;
    shown = false;
    where();
    lock();
    const words = deciding
      ? ["Nothing to decide", "No disagreement is waiting for you."]
      : ["All rows read", `You have answered all ${rows.length} rows. Thank you.`];
    const link = el("a", "", "See where the review stands");
    link.href = "/review/summary";
    $("row").replaceChildren(el("div", "done", [el("h1", "", words[0]), el("p", "lead", words[1]), link]));
    $("others").hidden = true;
    delete main.dataset.row;
    $("live").textContent = words.join(". ");
  }

  function lock() {
    const off = at < 0 || final.has(rows[at][1]);
    answers.classList.toggle("off", off);
    $("verdict").textContent = off && at >= 0 ? "Final: you looked" : verdict();
  }

  // ---- a row, drawn as text only -----------------------------------------------------------------------------
  function el(tag, name, content) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (content !== undefined) element.append(...(Array.isArray(content) ? content : [content]));
    return element;
  }

  // What a reader would not see: controls, zero-width and direction marks, tag characters. Joiners (U+200C, U+200D) are letters' own.
  const ODD = /(?:[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}])+/gu;

  function visible(text) {
    const pieces = [];
    let from = 0;
    for (const found of text.matchAll(ODD)) {
      if (pieces.length > 2000) break;
      const letters = [...found[0]];
      const name = `U+${letters[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
      const chip = el("span", "odd", letters.length > 1 ? `${name} + ${letters.length - 1} more` : name);
      chip.title = "invisible characters";
      pieces.push(text.slice(from, found.index), chip);
      from = found.index + found[0].length;
    }
    pieces.push(text.slice(from));
    return pieces;
  }

  function block({ kind, text, label }) {
    const box = el("div", `block ${kind}`);
    if (label) box.append(el("b", "", visible(label)));
    const body = kind === "text" || kind === "thought" ? el("div", "text", visible(text)) : el("pre", "", el("code", "", visible(text)));
    body.dir = kind === "text" || kind === "thought" ? "auto" : "ltr";
    if (body.tagName === "PRE") body.tabIndex = 0;
    box.append(body);
    return box;
  }

  const NAMES = { user: "User", assistant: "Assistant", system: "System", tool: "Tool" };

  function turnBox(turn, rejected, again) {
    const role = Object.hasOwn(NAMES, turn.role) ? turn.role : "other";
    const head = el("header", "", el("b", "", visible(NAMES[role] || turn.role)));
    if (turn.name) head.append(el("span", "", visible(turn.name)));
    if (rejected) head.append(el("span", "tag quiet", "rejected: the worse answer of the pair"));
    else if (turn.answer) head.append(el("span", "tag", "the answer to judge"));
    if (turn.untrained) head.append(el("span", "tag quiet", "not trained on (weight 0)"));
    const box = el("article", `turn ${role}${turn.answer ? " answer" : ""}${rejected ? " rejected" : ""}`, head);
    box.append(...turn.blocks.map(block));
    if (!turn.blocks.length) box.append(el("p", "soft", "(nothing)"));
    if (turn.cut) box.append(moreButton(`${turn.cut.toLocaleString("en")} more characters: show them`, again));
    return box;
  }

  function moreButton(words, again) {
    const button = el("button", "more", words);
    button.type = "button";
    button.addEventListener("click", again);
    return button;
  }

  function draw(conversation, number) {
    const again = async () => {
      const turn = ticket;
      const whole = await loadPatiently(number, true);
      if (turn === ticket) draw(whole, number);
    };
    const boxes = conversation.turns.map((turn) => turnBox(turn, false, again));
    if (conversation.hidden) boxes.unshift(moreButton(`${conversation.hidden.toLocaleString("en")} more turns: show them`, again));
    boxes.push(...conversation.rejected.map((turn) => turnBox(turn, true, again)));
    $("row").replaceChildren(...boxes);
    $("others").hidden = true;
  }

  async function look() {
    if (at < 0 || !shown) return;
    const row = rows[at][1];
    const turn = ticket;
    if (!deciding && !settled(row)) return tell("Answer the row first: what others say comes after.");
    while (pending.size) {
      send();
      await pause(50);
      if (turn !== ticket) return;
    }
    try {
      const found = await post("look", { row });
      if (turn !== ticket) return;
      if (!deciding) final.add(row); // a decision may change
      drawOthers(found);
      lock();
    } catch (error) {
      tell(error.reason || "The server is away.");
    }
  }

  function drawOthers({ source, part, findings, others }) {
    const says = (label) => (label.abstained ? "cannot judge" : label.categories.join(", ") || "clean");
    const voice = (label) => {
      const item = el("li", "", [el("b", "", visible(label.reviewer)), `${label.adjudicated ? " decided" : ""}: ${says(label)}`]);
      if (label.note) item.append(" ", el("q", "", visible(label.note)));
      return item;
    };
    const flag = (finding) => {
      const item = el("li", "", [el("b", "", visible(finding.code)), " ", ...visible(finding.message)]);
      if (finding.evidence) item.append(" ", el("q", "", visible(finding.evidence.slice(0, 300))));
      return item;
    };
    const parts = [];
    if (deciding || others.length) parts.push(el("h2", "", "Reviewers"), el("ul", "", others.map(voice)));
    parts.push(el("h2", "", "Detectors"));
    parts.push(findings.length ? el("ul", "", findings.map(flag)) : el("p", "soft", "The audit lists nothing about this row."));
    const picked = part === "risk" ? "picked by detectors; enters no rate" : "drawn at random";
    parts.push(el("p", "soft", visible(`${source || "unknown place"} · ${picked}`)));
    $("others").replaceChildren(...parts);
    $("others").hidden = false;
  }

  // ---- answering ---------------------------------------------------------------------------------------------
  function verdict() {
    return chosen.size > 1 ? `${chosen.size} marked` : [...chosen][0] || "Clean";
  }

  function choose(names, note) {
    chosen = new Set(categories.filter((name) => names.includes(name)));
    for (const mark of marks) mark.setAttribute("aria-pressed", chosen.has(mark.dataset.category));
    $("verdict").textContent = verdict();
    $("confirm").classList.toggle("marked", chosen.size > 0);
    if (note !== undefined) {
      $("note").value = note;
      $("note-line").hidden = true;
      noteButton();
    }
  }

  function toggle(name) {
    if (!free()) return;
    choose(chosen.has(name) ? [...chosen].filter((one) => one !== name) : [...chosen, name]);
  }

  function free() {
    if (at < 0 || !shown) return false;
    if (!final.has(rows[at][1])) return true;
    tell("You have seen what others say of this row, so your answer is final.");
    return false;
  }

  function answer(abstained) {
    if (!free()) return;
    const row = rows[at][1];
    const now = document.hidden ? 0 : performance.now() - timer.since;
    const seconds = Math.min(86400, Math.round((timer.sum + now) / 10) / 100);
    const label = {
      id: newId(), row, categories: abstained ? [] : categories.filter((name) => chosen.has(name)), note: $("note").value.trim(),
      seconds, adjudicated: deciding, abstained, withdrawn: false,
    };
    take(label);
    keep(label);
    next(at + 1);
  }

  function undo() {
    const row = answered.at(-1);
    if (row === undefined) return tell("There is nothing to take back.");
    if (final.has(row)) return tell("You have seen what others say of that row, so your answer is final.");
    const index = rows.findIndex(([, id]) => id === row);
    const { categories: names, note, adjudicated } = mine.get(row);
    const label = { id: newId(), row, categories: [], note: "", seconds: 0, adjudicated, abstained: false, withdrawn: true };
    take(label);
    keep(label);
    show(index);
    choose(names, note);
  }

  function move(step) {
    if (rows.length) show(at < 0 ? rows.length - 1 : (at + step + rows.length) % rows.length);
  }

  function note() {
    if (!free()) return;
    $("note-line").hidden = !$("note-line").hidden;
    noteButton();
    if ($("note-line").hidden) $("row").focus({ preventScroll: true });
    else $("note").focus();
  }

  function noteButton() {
    const button = document.querySelector('[data-act="note"]');
    button.setAttribute("aria-expanded", !$("note-line").hidden);
    button.classList.toggle("written", $("note").value.trim() !== "");
  }

  function tell(words) {
    $("message").textContent = words;
    $("message").hidden = false;
  }

  function quiet() {
    $("message").hidden = true;
  }

  const acts = {
    confirm: () => answer(false),
    abstain: () => answer(true),
    note, undo, look,
    back: () => move(-1),
    on: () => move(1),
    help: () => $("help").showModal(),
  };
  const keys = {
    " ": acts.confirm, Enter: acts.confirm, x: acts.abstain, n: note, u: undo, ArrowLeft: acts.back, ArrowRight: acts.on, "?": acts.help, d: look,
    0: () => { if (free()) { choose([]); answer(false); } },
  };
  categories.forEach((name, i) => { keys[i + 1] = () => toggle(name); });

  function typed(event) {
    if (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey || event.isComposing)) return;
    event.preventDefault();
    note();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    if (event.target === $("note")) return typed(event);
    const control = event.target.closest("button, a");
    if (control && (event.key === " " || event.key === "Enter")) return; // the control's own
    if (event.target.closest("pre") && event.key.startsWith("Arrow")) return; // scrolls the code
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    if (!event.repeat) act(); // a key held down answers once
  });
  answers.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (event.detail) button.blur(); // after a mouse, Space is to confirm and not to press this button again
    if (button.dataset.category) toggle(button.dataset.category);
    else acts[button.dataset.act]();
  });
  $("note").addEventListener("input", noteButton);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) timer.sum += performance.now() - timer.since;
    else timer.since = performance.now();
  });
  addEventListener("online", send);
  start();
})();
