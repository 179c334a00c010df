// The parts of the page, from what view/story.py says.

import { chart, chips, counted } from "./chart.js";
import { at, banner, clock, duration, make, outside, sign, ticking } from "./dom.js";
import { shown } from "./state.js";
import { ORDER, STEP_WORDS, TONE, WORDS } from "./words.js";

function facts(data, operation) {
  const wait = data.wait, list = make("dl", { class: "facts" });
  const add = (name, ...value) => list.append(make("div", {}, make("dt", {}, name), make("dd", {}, ...value)));
  if (operation.started_at !== null) {
    const end = operation.ended_at;
    const stopped = end ?? wait.frozen_at;
    add(end !== null ? "Took" : stopped === null ? "Going on for" : "Seen for",
      ticking((time) => duration((stopped ?? time) - operation.started_at)),
      make("small", {}, end !== null ? "from " : "since ", at(operation.started_at)));
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
  const trouble = [...stumbling(operation), ...(live && live.error ? unread(wait, live, operation) : [])];
  if (trouble.length) found.push(banner("warn", ...trouble));
  return found;
}

function stumbling(operation) {
  if (!operation.is_stumbling) return [];
  return ["The API cannot be read at the moment.", sentence(operation.last_error),
    "The operation is not affected; looks go on until the deadline. "];
}

// What whoever waits cannot read either has been said already.
function unread(wait, live, operation) {
  const told = wait.told_at ? ["Shown is what the ", wait.told_by, " told ",
    ticking((time) => `${duration(time - wait.told_at)} ago.`)] : [];
  return operation.is_stumbling ? told : ["This page cannot read the operation itself.", sentence(live.error), ...told];
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

export function earlier(data) {
  if (!data.earlier?.length) return null;
  const rows = data.earlier.map((entry) => make("li", {}, make("span", { class: "when" }, `try ${entry.try_number}`),
    make("span", {}, make("code", {}, entry.operation_id ?? ""), " ", entry.said ?? "")));
  return make("section", {}, make("h2", {}, "Earlier tries"), make("ol", { class: "log" }, rows));
}

export function source(data) {
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

function stepRows(operation) {
  return operation.rows.map((row) => ({ ...row, label: row.word || STEP_WORDS[row.state],
    goes_on: row.start !== null && row.end === null && row.state !== "pending",
    // the sign tells the usual states; what it cannot tell is said
    note: row.message && !operation.error?.message?.includes(row.message) ? row.message : row.state === "unknown" ? row.word : "" }));
}

function sentence(text) {
  return text ? ` ${text.replace(/[.\s]+$/, "")}. ` : " ";
}

export function one(data, operation) {
  return [head(data, operation), ...banners(data, operation), current(operation), facts(data, operation),
    steps(operation), happened(operation)];
}

export function many(data) {
  const operations = [...data.operations].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const counts = counted(operations), above = chips("all", counts, WORDS, TONE), only = shown.filters.all;
  const rows = operations.filter((operation) => !only || operation.state === only).map(operationRow);
  const picked = operations.find((operation) => operation.id === shown.selected);
  const pick = (key) => { shown.selected = shown.selected === key ? null : key; shown.draw(); };
  return [summary(data, operations, counts), failures(data, operations), together(data, operations),
    chart("Operations", rows, { column: "Operation", above, onpick: pick, picked: shown.selected, id: "all",
      note: "pick one to see more of it" }),
    picked ? make("div", { class: "picked" }, one(data, picked)) : null];
}

function operationRow(operation) {
  const open = operation.ended_at === null;
  return {
    key: operation.id, name: operation.id, state: TONE[operation.state] ?? "unknown", label: WORDS[operation.state] ?? operation.state,
    start: operation.started_at, end: operation.ended_at, observed: false,
    goes_on: operation.started_at !== null && open && operation.state !== "pending",
    needs_human: operation.rows.some((row) => row.needs_human),
    note: operation.error?.message ?? (open ? operation.phase ?? operation.raw_state : "") ?? "",
  };
}

function summary(data, operations, counts) {
  const { omitted, wait_for: how } = data.wait;
  const tone = TONE[operations[0].state] ?? "unknown";
  const done = counts.get("succeeded") ?? 0;
  const word = done < operations.length ? `${done} of ${operations.length} succeeded`
    : omitted ? `${done} shown, all succeeded` : "All succeeded";
  const parts = [how === "any" ? "the first success ends the wait" : "all have to succeed"];
  if (omitted) parts.push(`the first ${operations.length} are shown`);
  return make("header", { class: "head" }, make("p", { class: `state ${tone}` }, sign(tone, ""), make("span", {}, word)),
    make("div", { class: "what" }, make("h1", {}, `${operations.length + omitted} operations`),
      make("p", { class: "id" }, parts.join(" · "))));
}

function failures(data, operations) {
  const failed = operations.filter((operation) => operation.state === "failed");
  if (!failed.length || data.wait.wait_for !== "all") return null;
  const [title, whose] = failed.length === 1 ? ["One operation failed.", "It"] : [`${failed.length} operations failed.`, "The first"];
  return banner("bad", title, ` ${whose} says: ${failed[0].error?.message ?? "nothing about why"}`);
}

// The facts of all of them as one: from the first beginning to the last end.
function together(data, operations) {
  const begun = operations.map((operation) => operation.started_at).filter((at) => at !== null);
  const last = Math.max(...operations.map((operation) => operation.ended_at ?? 0)) || null;
  return facts(data, {
    started_at: begun.length ? Math.min(...begun) : null,
    ended_at: data.wait.is_over ? data.wait.frozen_at ?? last : null,
    failed_looks: operations.reduce((sum, operation) => sum + operation.failed_looks, 0),
    interval: operations.find((operation) => operation.interval !== null)?.interval ?? null,
    next_look: null, resource: "",
  });
}

export function nothing(data) {
  const kind = { forbidden: "bad", signed_out: "bad", broken: "bad", not_found: "warn" }[data.status] ?? "plain";
  const tone = { forbidden: "failed", signed_out: "failed", broken: "failed", not_found: "unknown", submitting: "running" }[data.status] ?? "pending";
  return [make("div", { class: `nothing ${kind}`, role: kind === "bad" ? "alert" : null },
    data.status === "not_ours" ? null : sign(tone, ""), make("h1", {}, data.title), make("p", {}, data.hint))];
}
