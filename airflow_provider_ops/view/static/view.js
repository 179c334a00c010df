// Shows what view/story.py says, and asks again while the wait goes on. Every text goes in as text, never as HTML.
"use strict";

const page = document.getElementById("page");
const spoken = document.getElementById("spoken");
const embedded = window.parent !== window;

const WORDS = {
  pending: "Queued", running: "Running", succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled",
  unknown: "Unknown state", unseen: "Not seen yet", timeout: "Deadline passed", gave_up: "Cannot be looked at",
  open: "Not waited for any more",
};
const STEP_WORDS = {
  done: "done", running: "running", failed: "failed", skipped: "skipped", pending: "not begun", unknown: "unknown state",
};
// operation state -> the tone that a step of that kind has
const TONE = {
  pending: "pending", running: "running", succeeded: "done", failed: "failed", cancelled: "skipped",
  unknown: "unknown", unseen: "pending", timeout: "failed", gave_up: "failed",
  open: "skipped",
};
const ORDER = ["failed", "gave_up", "timeout", "cancelled", "unknown", "running", "pending", "unseen", "open", "succeeded"];
const SIGNS = {
  done: "M4.5 8.5l2.3 2.3 4.7-5", failed: "M5.5 5.5l5 5M10.5 5.5l-5 5", skipped: "M5 8h6", running: "M8 4.6V8l2.3 1.6",
  pending: "", unknown: "M6.4 6.3a1.7 1.7 0 1 1 2.4 1.8c-.6.3-.8.6-.8 1.1M8 11.3v.1",
};

const shown = { data: null, text: "", selected: null, filters: {}, failures: 0, ahead: 0, timer: 0 };

// -- time

const now = () => Date.now() / 1000 + shown.ahead;
// The moment up to which bars and durations of what is open go: a wait that is over stands still.
const latest = () => shown.data?.wait?.frozen_at ?? now();

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h >= 48) return `${Math.floor(h / 24)} d ${h % 24} h`;
  if (h) return `${h} h ${String(m).padStart(2, "0")} min`;
  return m ? `${m} min ${String(s).padStart(2, "0")} s` : `${s} s`;
}

function clock(epoch) {
  const at = new Date(epoch * 1000);
  const today = at.toDateString() === new Date().toDateString();
  const time = at.toLocaleTimeString(undefined, { hour12: false });
  return today ? time : `${at.toLocaleDateString()} ${time}`;
}

// -- building

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function sign(tone, word) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `sign ${tone}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", word);
  const circle = document.createElementNS(svg.namespaceURI, "circle");
  for (const [name, value] of [["cx", 8], ["cy", 8], ["r", 7]]) circle.setAttribute(name, value);
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", SIGNS[tone] ?? "");
  svg.append(circle, path);
  return svg;
}

// A text that changes by itself: what(now) is asked every second.
function ticking(what, attributes = {}) {
  const element = make("span", attributes);
  element.tick = () => { const text = what(now()); if (element.textContent !== text) element.textContent = text; };
  element.classList.add("ticks");
  element.tick();
  return element;
}

function at(epoch) {
  return make("time", { datetime: new Date(epoch * 1000).toISOString(), title: new Date(epoch * 1000).toISOString() },
    clock(epoch));
}

// The frame may open no window of its own, so the page around it does; that page is of the same origin.
function open(event, url) {
  if (!embedded) return;
  try {
    const around = window.parent.document;
    const link = around.createElement("a");
    Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer" });
    around.body.append(link);
    link.click();
    link.remove();
    event.preventDefault();
  } catch { /* another origin: the browser decides what becomes of the click */ }
}

function outside(url, text) {
  if (!/^https?:\/\//.test(url ?? "")) return null;
  return make("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: "button",
    onclick: (event) => open(event, url) }, text, " ", make("span", { "aria-hidden": "true" }, "↗"));
}

function banner(kind, title, ...more) {
  return make("div", { class: `banner ${kind}`, role: kind === "bad" ? "alert" : null }, make("strong", {}, title), ...more);
}

// -- the chart: a row for each step, phase or operation, on one scale of time

function scale(rows, most) {
  const starts = rows.map((row) => row.start).filter((value) => value !== null);
  if (!starts.length) return null;
  const from = Math.min(...starts);
  const running = rows.some((row) => row.goes_on);
  const ends = rows.map((row) => row.end).filter((value) => value !== null);
  const to = Math.max(running ? latest() : 0, ...ends, ...starts, from + 1);
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800, 2592000];
  const step = steps.find((seconds) => (to - from) / seconds <= most) ?? (to - from);
  return { from, length: to - from, step };
}

function tickText(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return seconds % 60 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : `${seconds / 60} min`;
  if (seconds < 172800) return seconds % 3600 ? duration(seconds) : `${seconds / 3600} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

function chart(title, rows, options = {}) {
  const axis = make("div", { class: "axis", "aria-hidden": "true" });
  const bars = [];
  const body = rows.map((row) => {
    const fill = make("div", { class: `fill ${row.state}` });
    const track = make("div", { class: "track", "aria-hidden": "true" }, fill);
    const took = make("td", { class: "took" });
    const name = options.onpick
      ? make("button", { type: "button", class: "pick", "data-key": row.key,
        "aria-pressed": String(options.picked === row.key), onclick: () => options.onpick(row.key) }, row.name)
      : row.name;
    bars.push({ row, fill, track, took });
    return make("tr", { class: row.needs_human ? "human" : null },
      make("td", { class: "sign-cell" }, sign(row.state, row.label)),
      make("th", { scope: "row" }, name,
        row.needs_human ? make("small", { class: "person" }, "waits for a person")
          : row.note ? make("small", { title: row.note }, row.note) : null),
      make("td", { class: "bar" }, track), took);
  });
  const heading = `${title.toLowerCase()}-${options.id ?? "chart"}`;
  const table = make("table", { class: `chart ticks${rows.length > 20 ? " dense" : ""}`, "aria-labelledby": heading },
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, make("span", { class: "spoken" }, "State")),
      make("th", { scope: "col" }, options.column ?? "Name"), make("th", { scope: "col", class: "bar" },
        make("span", { class: "spoken" }, "When"), axis), make("th", { scope: "col", class: "took" }, "Took"))),
    make("tbody", {}, body));
  table.tick = () => layOut(rows, bars, axis);
  return make("section", {}, make("h2", { id: heading }, title, " ", make("small", {}, options.note ?? "")),
    options.above ?? null, make("div", { class: "scroll", "data-key": `scroll-${heading}`, tabindex: rows.length > 12 ? "0" : null },
      table));
}

function layOut(rows, bars, axis) {
  // marks that have room beside each other
  const range = scale(rows, Math.max(1, Math.min(6, Math.floor((axis.clientWidth || 400) / 62))));
  if (range === null) { axis.replaceChildren(); }
  else if (axis.dataset.range !== `${range.step} ${Math.round(range.length)}`) {
    axis.dataset.range = `${range.step} ${Math.round(range.length)}`;
    const marks = [];
    for (let seconds = 0; seconds <= range.length; seconds += range.step) {
      const mark = make("span", {}, tickText(seconds));
      mark.style.left = `${100 * seconds / range.length}%`;
      if (seconds / range.length > 0.94) mark.classList.add("last");
      marks.push(mark);
    }
    axis.replaceChildren(...marks);
  }
  for (const { row, fill, track, took } of bars) {
    const end = row.end ?? (row.goes_on ? latest() : null);
    track.classList.toggle("empty", row.start === null && row.end === null);
    if (range !== null && (row.start !== null || end !== null)) {
      const from = row.start ?? end, to = end ?? row.start;
      fill.style.left = `${100 * (from - range.from) / range.length}%`;
      fill.style.width = `${Math.max(0, 100 * (to - from) / range.length)}%`;
      track.style.backgroundSize = `${100 * range.step / range.length}% 100%`;
    }
    fill.hidden = row.start === null && end === null;
    const known = row.start !== null && end !== null;
    const text = known ? `${row.observed ? "≈ " : ""}${duration(end - row.start)}` : "–";
    if (took.textContent !== text) took.textContent = text;
    took.title = known && row.observed ? "As seen from here: the API gives no times" : "";
  }
}

function stepRows(operation) {
  return operation.rows.map((row) => ({ ...row, label: row.word || STEP_WORDS[row.state],
    goes_on: row.start !== null && row.end === null && row.state !== "pending",
    // the sign tells the usual states; what it cannot tell is said
    note: row.message && !operation.error?.message?.includes(row.message) ? row.message : row.state === "unknown" ? row.word : "" }));
}

// Buttons that leave only the rows of one state, where there are many rows of several states.
function chips(name, counts, words, tones) {
  if (!counts.has(shown.filters[name])) delete shown.filters[name];
  return make("div", { class: "chips", role: "group", "aria-label": "Show only" }, [...counts].map(([state, count]) => {
    const pressed = shown.filters[name] === state;
    const pick = () => { shown.filters[name] = pressed ? undefined : state; draw(); };
    return make("button", { type: "button", "data-key": `chip-${name}-${state}`, "aria-pressed": String(pressed), onclick: pick },
      sign(tones[state] ?? state, ""), `${count} ${(words[state] ?? state).toLowerCase()}`);
  }));
}

function counted(rows) {
  const counts = new Map();
  for (const row of rows) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  return counts;
}

function sentence(text) {
  return text ? ` ${text.replace(/[.\s]+$/, "")}. ` : " ";
}

// -- the parts of the page

function facts(data, operation) {
  const wait = data.wait, list = make("dl", { class: "facts" });
  const add = (name, ...value) => list.append(make("div", {}, make("dt", {}, name), make("dd", {}, ...value)));
  if (operation.started_at !== null) {
    const end = operation.ended_at;
    const stopped = end ?? wait.frozen_at;
    add(end !== null ? "Took" : stopped === null ? "Going on for" : "Seen for",
      ticking((time) => duration((stopped ?? time) - operation.started_at)),
      make("small", {}, "since ", at(operation.started_at)));
  }
  if (!wait.is_over) {
    if (wait.deadline !== null) {
      add("Deadline", ticking((time) => time < wait.deadline ? `in ${duration(wait.deadline - time)}` : "now"),
        make("small", {}, at(wait.deadline)));
    }
    if (operation.interval !== null) {
      add("Next look", ticking((time) => operation.next_look !== null && operation.next_look > time
        ? `in ${duration(operation.next_look - time)}` : `about every ${duration(Math.max(1, operation.interval))}`),
        make("small", {}, wait.where ? `by the ${wait.where}` : ""));
    }
  }
  if (operation.failed_looks) {
    add("Failed looks", String(operation.failed_looks), make("small", {}, "tolerated; the operation is not affected"));
  }
  if (operation.resource) add("Resource", make("code", {}, operation.resource));
  add("Connection", make("code", {}, wait.conn_id || "–"));
  return list;
}

function banners(data, operation) {
  const found = [], live = data.live, wait = data.wait;
  const human = operation.rows.find((row) => row.needs_human);
  if (human && operation.ended_at === null) {
    found.push(banner("ask", `Waits for a person: ${human.name}`, " The operation goes on when somebody has decided.",
      outside(operation.url, "Decide there")));
  }
  if (operation.error) {
    const code = operation.error.code ? make("code", {}, operation.error.code) : null;
    const advice = operation.error.retryable === true ? " The API says that it can be tried again."
      : operation.error.retryable === false ? " The API says that trying again does not help." : "";
    found.push(banner("bad", operation.error.message || "The API gives no reason.", " ", code, advice));
  } else if (operation.state === "timeout") {
    found.push(banner("bad", "The deadline passed before the operation settled.", " It may still be going on remotely."));
  }
  if (operation.is_stumbling) {
    found.push(banner("warn", "The API cannot be read at the moment.", sentence(operation.last_error),
      make("span", {}, "The operation is not affected; looks go on until the deadline.")));
  }
  if (live && live.error) {
    found.push(banner("warn", "This page cannot read the operation itself.", sentence(live.error),
      wait.told_at ? make("span", {}, `Shown is what the ${wait.told_by} told `, ticking((time) => `${duration(time - wait.told_at)} ago.`)) : null));
  }
  return found;
}

function head(data, operation) {
  const tone = TONE[operation.state] ?? "unknown";
  return make("header", { class: "head" },
    make("p", { class: `state ${tone}` }, sign(tone, ""), make("span", {}, word(data, operation))),
    make("div", { class: "what" }, make("h1", {}, operation.kind || "Operation"), make("p", { class: "id" },
      make("code", {}, operation.id), data.task.tries > 1 ? ` · try ${data.task.try_number} of ${data.task.tries}` : null)),
    outside(operation.url, "Open in the console"));
}

function current(operation) {
  if (operation.ended_at !== null) return null;
  const text = [operation.phase, operation.message].filter(Boolean);
  const counted = operation.total ? make("span", { class: "count" }, `${operation.done} of ${operation.total}`) : null;
  if (!text.length && !counted) return null;
  const part = make("div", { class: "current" },
    make("p", {}, text.length ? make("strong", {}, text[0]) : null, text.length > 1 ? ` ${text[1]}` : null, counted));
  if (operation.total) {
    part.append(make("progress", { max: operation.total, value: operation.done,
      "aria-label": `${operation.done} of ${operation.total} done` }));
  }
  return part;
}

function happened(operation) {
  if (!operation.log.length) return null;
  // the same zero as the chart's
  const start = Math.min(operation.log[0].at, ...operation.rows.map((row) => row.start ?? Infinity), operation.started_at ?? Infinity);
  const lines = operation.log.map((entry) => make("li", {}, make("span", { class: "when" },
    make("time", { datetime: new Date(entry.at * 1000).toISOString(), title: clock(entry.at) }, `+${duration(entry.at - start)}`)), make("span", {}, entry.text)));
  if (operation.dropped) lines.splice(Math.min(10, lines.length - 1), 0, make("li", { class: "dropped" }, `${operation.dropped} more changes`));
  return make("section", {}, make("h2", {}, "What happened"), make("ol", { class: "log" }, lines));
}

function earlier(data) {
  if (!data.earlier?.length) return null;
  const rows = data.earlier.map((entry) => make("li", {}, make("span", { class: "when" }, `try ${entry.try_number}`),
    make("span", {}, make("code", {}, entry.operation_id ?? ""), " ", entry.said ?? "")));
  return make("section", {}, make("h2", {}, "Earlier tries"), make("ol", { class: "log" }, rows));
}

function source(data) {
  const wait = data.wait, parts = [];
  if (data.live && !data.live.error) parts.push("Read by this page ", ticking((time) => `${duration(time - data.live.at)} ago`), ". ");
  if (wait.told_at) parts.push(`Told by the ${wait.told_by} `, ticking((time) => `${duration(time - wait.told_at)} ago`), ". ");
  parts.push(data.refresh ? `Refreshes every ${data.refresh} s.` : "The task has ended; this page does not change any more.");
  return make("footer", {}, ...parts);
}

function word(data, operation) {
  if (operation.state === "succeeded" && data.status === "resuming") return "Succeeded; the task resumes";
  if (operation.state === "unknown") return operation.raw_state || WORDS.unknown;
  if (data.status === "between") return `${WORDS[operation.state]}; a retry follows`;
  return WORDS[operation.state] ?? operation.state;
}

function steps(operation) {
  const title = operation.rows_title, rows = stepRows(operation), many = rows.length > 20;
  const order = ["failed", "running", "unknown", "pending", "skipped", "done"];
  const above = many ? chips(operation.id, new Map([...counted(rows)].sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]))),
    STEP_WORDS, {}) : null;
  const only = many ? shown.filters[operation.id] : undefined;
  return rows.length ? chart(title, rows.filter((row) => !only || row.state === only),
    { column: title.replace(/s$/, ""), above }) : null;
}

function one(data, operation) {
  return [head(data, operation), ...banners(data, operation), current(operation), facts(data, operation),
    steps(operation), happened(operation)];
}

function many(data) {
  const operations = [...data.operations].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const counts = counted(operations), above = chips("all", counts, WORDS, TONE), only = shown.filters.all;
  const done = counts.get("succeeded") ?? 0;
  const worst = operations[0];
  const tone = TONE[worst.state] ?? "unknown";
  const word = done === operations.length ? "All succeeded" : `${done} of ${operations.length} succeeded`;
  const rows = operations.filter((operation) => !only || operation.state === only).map((operation) => ({
    key: operation.id, name: operation.id, state: TONE[operation.state] ?? "unknown", label: WORDS[operation.state] ?? operation.state,
    start: operation.started_at, end: operation.ended_at, observed: false,
    goes_on: operation.started_at !== null && operation.ended_at === null && operation.state !== "pending", needs_human: operation.rows.some((row) => row.needs_human),
    note: operation.error?.message ?? (operation.ended_at === null ? operation.phase ?? operation.raw_state : "") ?? "",
  }));
  const picked = operations.find((operation) => operation.id === shown.selected);
  const wait = data.wait;
  const summary = make("header", { class: "head" }, make("p", { class: `state ${tone}` }, sign(tone, ""), make("span", {}, word)),
    make("div", { class: "what" }, make("h1", {}, `${operations.length} operations`),
      make("span", { class: "id" }, wait.wait_for === "any" ? "the first success ends the wait" : "all have to succeed")));
  const begun = operations.map((operation) => operation.started_at).filter((at) => at !== null);
  const pick = (key) => { shown.selected = shown.selected === key ? null : key; draw(); };
  const failed = operations.filter((operation) => operation.state === "failed");
  return [summary, failed.length && wait.wait_for === "all" ? banner("bad",
    failed.length === 1 ? "One operation failed." : `${failed.length} operations failed.`,
    ` ${failed.length === 1 ? "It" : "The first"} says: ${failed[0].error?.message ?? "nothing about why"}`) : null,
    facts(data, { ...worst, started_at: begun.length ? Math.min(...begun) : null,
      ended_at: data.wait.is_over ? data.wait.frozen_at ?? (Math.max(...operations.map((o) => o.ended_at ?? 0)) || null) : null, resource: "",
      failed_looks: operations.reduce((sum, o) => sum + o.failed_looks, 0),
      interval: operations.find((o) => o.interval !== null)?.interval ?? null, next_look: null }),
    chart("Operations", rows, { column: "Operation", above, onpick: pick, picked: shown.selected, id: "all",
      note: "pick one to see more of it" }),
    picked ? make("div", { class: "picked" }, one(data, picked)) : null];
}

function nothing(data) {
  const kind = { forbidden: "bad", signed_out: "bad", broken: "bad", not_found: "warn" }[data.status] ?? "plain";
  const tone = { forbidden: "failed", signed_out: "failed", broken: "failed", not_found: "unknown", submitting: "running" }[data.status] ?? "pending";
  return [make("div", { class: `nothing ${kind}`, role: kind === "bad" ? "alert" : null },
    data.status === "not_ours" ? null : sign(tone, ""), make("h1", {}, data.title), make("p", {}, data.hint))];
}

// -- drawing, without losing the reader's place

function draw() {
  const data = shown.data;
  const place = document.activeElement?.dataset?.key;
  const scrolled = [...page.querySelectorAll(".scroll")].map((element) => [element.dataset.key, element.scrollTop]);
  const parts = !data.operations ? nothing(data) : data.operations.length === 1 ? one(data, data.operations[0]) : many(data);
  const failed = shown.failures > 1 ? banner("warn", "The API server does not answer.",
    ` Asked ${shown.failures} times; shown is what was known before.`) : null;
  page.replaceChildren(...[failed, ...parts, earlier(data), data.operations ? source(data) : null].filter(Boolean));
  // only what is on the page has a width
  for (const element of page.querySelectorAll(".ticks")) element.tick?.();
  page.setAttribute("aria-busy", "false");
  for (const [key, top] of scrolled) {
    const element = page.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (element) element.scrollTop = top;
  }
  if (place) page.querySelector(`[data-key="${CSS.escape(place)}"]`)?.focus({ preventScroll: true });
}

function say(data) {
  const one = data.operations?.length === 1 ? data.operations[0] : null;
  const text = one ? `${WORDS[one.state] ?? one.state}${one.phase ? `: ${one.phase}` : ""}` : data.title ?? "";
  if (spoken.textContent !== text) spoken.textContent = text;
}

// -- asking

function address() {
  // by hand: Airflow 3.1 puts a run id with a plus into the address as it is, which URLSearchParams takes for a space
  const query = {};
  for (const pair of window.location.search.slice(1).split("&")) {
    const cut = pair.indexOf("=");
    if (cut > 0) query[pair.slice(0, cut)] = decodeURIComponent(pair.slice(cut + 1));
  }
  return `api/wait?${new URLSearchParams(query)}`;
}

async function ask() {
  clearTimeout(shown.timer);
  if (document.hidden) return;
  let after = null;
  try {
    const answer = await fetch(address(), { headers: { accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(30000) });
    const data = await answer.json();
    if (data.now) shown.ahead = data.now - Date.now() / 1000;
    const failed = shown.failures;
    shown.failures = 0;
    after = data.refresh;
    const text = JSON.stringify({ ...data, now: 0 });
    shown.data = data;
    if (text !== shown.text || failed > 1) { shown.text = text; draw(); say(data); }
  } catch {
    shown.failures += 1;
    after = Math.min(60, 2 ** shown.failures);
    shown.data ??= { status: "broken", title: "The API server does not answer", hint: "This page asks again by itself." };
    draw();
  }
  if (after) shown.timer = setTimeout(ask, after * 1000);
}

setInterval(() => {
  if (!document.hidden) for (const element of page.querySelectorAll(".ticks")) element.tick?.();
}, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden && (shown.data?.refresh || shown.failures)) ask(); });

// -- light or dark: as Airflow around us, else as the system

function follow() {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let around = null;
  try { around = embedded ? window.parent.document.documentElement : null; } catch { /* another origin */ }
  const apply = () => {
    const classes = around?.classList;
    const dark = classes?.contains("dark") || (!classes?.contains("light") && system.matches);
    root.dataset.theme = dark ? "dark" : "light";
    // panels are a shade of what is around us
    let behind = around ? window.frameElement : null;
    while (behind && /^(transparent|rgba\(.*, 0\))$/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    if (behind) root.style.setProperty("--bg", getComputedStyle(behind).backgroundColor);
    else root.style.removeProperty("--bg");
  };
  apply();
  system.addEventListener("change", apply);
  if (around) new MutationObserver(apply).observe(around, { attributes: true, attributeFilter: ["class"] });
}

document.documentElement.classList.toggle("embedded", embedded);
follow();
ask();
