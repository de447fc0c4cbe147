// The dashboard: reads the state each second, draws it, and asks twice before it decides anything.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const person = $("main").dataset.person;
  let seen = null;
  let wanted = "";

  const percent = (value) => `${(100 * value).toLocaleString("en", { maximumFractionDigits: 2 })} %`;
  const e = (log) => (log > 700 ? `exp(${log.toFixed(0)})` : Number(Math.exp(log).toPrecision(3)).toLocaleString("en"));

  async function call(path, options = {}) {
    const response = await fetch(path, { headers: { accept: "application/json", "content-type": "application/json" }, ...options });
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(body.reason || `the gateway said ${response.status}`);
    return body;
  }

  function trouble(text) {
    $("trouble").textContent = text;
    $("trouble").hidden = !text;
  }

  function row(cells) {
    const line = document.createElement("tr");
    cells.forEach(([text, kind], at) => {
      const cell = document.createElement(at ? "td" : "th");
      if (!at) cell.scope = "row";
      cell.className = kind || "";
      cell.textContent = text;
      line.append(cell);
    });
    return line;
  }

  function show(state) {
    seen = state;
    const { stage, why, who, share } = state.state;
    $("stage").textContent = stage === "CANARY" ? `CANARY at ${percent(share)}` : stage;
    $("stage").className = stage === "ROLLED BACK" ? "bad" : stage === "HOLD" ? "warn" : "";
    $("why").textContent = why ? `${why} (${who})` : "";
    $("share").textContent = percent(state.exposed.share);
    $("exposed").textContent = state.exposed.why_none ? `none: ${state.exposed.why_none}` : "as decided";
    $("harm").textContent = e(state.evidence.harm);
    $("limit").textContent = `rolled back at ${e(state.evidence.limit)}`;
    $("error").textContent = percent(Math.exp(-state.evidence.limit));
    $("units").textContent = `${state.evidence.units.toLocaleString("en")}`;
    const flags = state.counts["canary.flagged"] || 0;
    $("pairs-many").textContent = `${state.evidence.pairs.toLocaleString("en")} pairs · ${flags} flagged · ${state.waiting.judges} waiting`;
    $("fallbacks").textContent = (state.here.fallbacks || 0).toLocaleString("en");
    $("broken").textContent = `${state.here.broken || 0} answers broke off`;
    $("kill").disabled = stage === "ROLLED BACK";
    $("promote").disabled = !(stage === "SHADOW" || stage === "CANARY");
    $("resume").disabled = stage !== "HOLD";
    $("pauses").replaceChildren(...state.pauses.map((p) =>
      row([[p.name], [(p.value >= 0 ? "+" : "−") + Math.abs(p.value).toFixed(3), "n"], [String(p.tolerance), "n"],
        [p.crossed ? (state.warnings.includes(p.name) ? "crossed, accepted" : "crossed") : `E = ${e(p.log_e)} of ${e(p.limit)}`, p.crossed ? "warn" : ""]])));
    $("split").replaceChildren(...Object.entries(state.split).map(([drawn, arms]) => {
      const canary = arms.canary || 0, stable = arms.stable || 0;
      return row([[percent(Number(drawn)), "n"], [String(canary), "n"], [String(stable), "n"], [percent(canary / (canary + stable)), "n"]]);
    }));
    $("here").replaceChildren(...Object.entries(state.here).sort().map(([name, many]) => row([[name], [many.toLocaleString("en"), "n"]])));
    draw(state.history, state.evidence.limit);
  }

  function shape(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function draw(history, limit) {
    const left = 64, right = 784, top = 20, bottom = 196;
    const start = history[0][0], end = Math.max(history[history.length - 1][0], start + 1);
    const values = history.map((point) => point[1]);
    const high = Math.max(limit * 1.15, ...values), low = Math.min(-1, ...values);
    const x = (at) => left + ((at - start) / (end - start)) * (right - left);
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
    const points = history.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    const most = Math.max(0.0001, ...history.map((point) => point[2]));
    const area = history.map(([at, , share]) => `${x(at).toFixed(1)},${(bottom - (share / most) * 60).toFixed(1)}`);
    const minutes = (end - start) / 60;
    $("curve").replaceChildren(
      shape("polygon", { class: "share", points: [`${left},${bottom}`, ...area, `${right},${bottom}`].join(" ") }),
      shape("line", { class: "zero", x1: left, x2: right, y1: y(0), y2: y(0) }),
      shape("text", { x: left - 8, y: y(0) + 4, "text-anchor": "end" }, "E = 1"),
      shape("line", { class: "limit", x1: left, x2: right, y1: y(limit), y2: y(limit) }),
      shape("text", { x: left - 8, y: y(limit) + 4, "text-anchor": "end" }, e(limit)),
      shape("polyline", { class: "line", points: points.join(" ") }),
      shape("text", { x: left, y: 218 }, minutes < 120 ? `${minutes.toFixed(1)} minutes ago` : `${(minutes / 60).toFixed(1)} hours ago`),
      shape("text", { x: right, y: 218, "text-anchor": "end" }, "now"),
      shape("text", { x: (left + right) / 2, y: 218, "text-anchor": "middle" }, "shaded: the share that was decided"),
    );
    $("curve").setAttribute("aria-label", `Evidence over time: E is ${e(values[values.length - 1])} now, of ${e(limit)}`);
  }

  function block(title, text, kind) {
    const side = document.createElement("div");
    const head = document.createElement("h3");
    head.textContent = title;
    const body = document.createElement("p");
    body.className = kind || "text";
    body.textContent = text;
    side.append(head, body);
    return side;
  }

  async function pairs() {
    const found = await call(`pairs${$("flagged").checked ? "?flagged=1" : ""}`);
    const told = (arm) => (arm.flag === null ? "not read" : arm.flag ? "flagged" : "clean") + (arm.score === null ? "" : ` · ${arm.score.toFixed(2)}`);
    $("pairs").replaceChildren(...found.map((pair) => {
      const card = document.createElement("article");
      card.className = pair.flagged ? "pair flagged" : "pair";
      const sides = document.createElement("div");
      sides.className = "sides";
      for (const arm of ["stable", "canary"]) {
        const said = pair[arm];
        if (said) sides.append(block(`${arm} · ${told(said)}`, said.text + (said.calls ? `\n${said.calls}` : "") || "(nothing)"));
      }
      card.append(block("asked", pair.question || "(not a text)", "text asked"), sides);
      return card;
    }));
    if (!found.length) $("pairs").textContent = "None yet.";
  }

  const ORDERS = {
    kill: ["Kill the canary?", "Nobody is answered by it from now on, on any gateway, within 2 seconds. It can be resumed by name; rolled back for good it cannot.", "Kill it"],
    promote: ["One step up?", "More conversations go to the canary. It is refused without enough clean evidence.", "Promote it"],
    resume: ["Go on?", "What was beyond its tolerance is accepted in your name up to what was seen; beyond that it holds again.", "Resume it"],
  };

  function confirm(what) {
    const [title, text, yes] = ORDERS[what];
    wanted = what;
    $("sure-title").textContent = title;
    $("sure-text").textContent = text;
    $("yes").textContent = yes;
    $("good").hidden = what !== "kill";
    $("reason").value = "";
    $("sure").showModal();
    $("no").focus();
  }

  async function decide(what) {
    $("sure").close();
    try {
      await call("decide", { method: "POST", body: JSON.stringify({ person, what, why: $("reason").value, number: seen.state.number }) });
      trouble("");
      show(await call("state"));
    } catch (error) {
      trouble(error.message);
    }
  }

  async function follow() {
    try {
      show(await call("state"));
      if ($("trouble").dataset.lost) trouble("");
      delete $("trouble").dataset.lost;
    } catch (error) {
      $("trouble").dataset.lost = "yes";
      trouble(`The gateway does not answer (${error.message}). What you see is old.`);
    }
    setTimeout(follow, 1000);
  }

  for (const what of Object.keys(ORDERS)) $(what).addEventListener("click", () => confirm(what));
  $("yes").addEventListener("click", () => decide(wanted));
  $("good").addEventListener("click", () => decide("rollback"));
  $("no").addEventListener("click", () => $("sure").close());
  const look = () => pairs().catch((error) => trouble(error.message));
  $("flagged").addEventListener("change", look);
  $("again").addEventListener("click", look);
  follow();
  look();
})();
