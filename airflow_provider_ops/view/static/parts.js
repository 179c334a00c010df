// The parts of the page, from the data of view/history.py.

import { chart, chips, counted } from "./chart.js";
import { at, banner, clock, duration, make, outside, sign, ticking, zone } from "./dom.js";
import { shown } from "./state.js";
import { ORDER, STEP_ORDER, STEP_WORDS } from "./words.js";

function facts(data, operation) {
  const wait = data.wait, list = make("dl", { class: "facts" });
  const add = (name, ...value) => list.append(make("div", {}, make("dt", {}, name), make("dd", {}, ...value)));
  const next = operation.next_look;
  if (operation.started_at !== null) elapsed(add, operation);
  if (operation.adopted_at) add("Adopted", at(operation.adopted_at));
  // nothing was read of what was only submitted
  if (operation.checked_at !== null && operation.state !== "started") add("Last checked", at(operation.checked_at));
  if (!wait.is_over) {
    if (wait.deadline !== null) {
      add("Deadline", ticking((time) => time < wait.deadline ? `in ${duration(wait.deadline - time)}` : "now"),
        make("small", {}, at(wait.deadline)));
    }
    if (operation.interval !== null) {
      const every = `about every ${duration(Math.max(1, operation.interval))}`, by = wait.where ? `by the ${wait.where}` : "";
      // the record is written when something changes: between two records only the interval is known
      add(ticking((time) => next > time ? "Next check" : "Check interval"),
        ticking((time) => next > time ? `in ${duration(next - time)}` : every),
        next !== null ? ticking((time) => next > time ? clock(next, { timeZoneName: "short" }) : "", { class: "small" }) : null,
        make("small", {}, by));
    }
  }
  if (operation.failed_looks) {
    // while they fail nothing new is written, so that there may have been more
    const count = operation.is_stumbling ? `at least ${operation.failed_looks}` : String(operation.failed_looks);
    add("Failed checks", count, make("small", {}, operation.failed_note));
  }
  if (operation.resource) add("Resource", make("code", {}, operation.resource));
  add("Connection", make("code", {}, wait.conn_id || "–"));
  return list;
}

function elapsed(add, operation) {
  const { started_at: start, ended_at: end, start_is: how, names } = operation;
  // it may have begun at any time before it was first seen
  const about = how === "first seen" ? "at least " : operation.observed ? "≈ " : "";
  const since = make("small", {}, `${names?.since ?? how} `, at(start));
  const [took, takes] = [names?.took ?? "Duration", names?.takes ?? "Elapsed"];
  if (operation.state === "started") {
    add(how === "submitted" ? "Submitted" : "Started", at(start));
  } else if (end !== null) {
    add(took, about + duration(end - start), since, make("small", {}, `${names?.until ?? "finished"} `, at(end)));
  } else if (operation.is_settled) {
    add(took, "not known", since, make("small", {}, "the API does not say when it finished"));
  } else if (operation.checked_at !== null) {
    add(takes, `at least ${duration(operation.checked_at - start)}`, since);
  } else {
    add(takes, ticking((time) => about + duration(time - start)), since);
  }
}

// Why the task no longer waits, as far as Airflow or the task itself has said so.
function ending(wait) {
  return wait.ended_unrecorded ? `${wait.cause}. ` : "";
}

// What became of what a killed task waited for, where only its policy is known.
function policy(wait) {
  if (!wait.ended_unrecorded || wait.left || !wait.on_kill) return "";
  return wait.on_kill === "leave" ? " on_kill=leave: the task has not ended it."
    : ` Whether on_kill=${wait.on_kill} was carried out is not recorded here; the task's log says more.`;
}

// What a try has left behind that did not end well.
function left(data, operation) {
  const found = data.operations.length === 1 ? data.wait.left : null;
  if (!found) return null;
  // the resource stands below as well, where the operation names it
  const resource = found.resource && found.resource !== operation.resource && !found.text.includes(found.resource);
  return banner("warn", ["What is left, as of ", at(found.at), ": "], found.text,
    ...(resource ? [" Resource: ", make("code", {}, found.resource), "."] : []),
    // the head of the page leads there already, where the operation says where that is
    operation.url ? null : outside(found.url, "Open it"),
    ...(found.sweep ? [" Once the run is over, ", make("code", {}, found.sweep), " lists it, and deletes it with ", make("code", {}, "--yes"), "."] : []));
}

// What is known of an operation that is no longer waited for and whose end was not observed.
function unsettled(data, operation) {
  if (operation.checked_at === null || (operation.state === "started" && operation.raw_state === null)) return null;
  if (operation.outcome === "started") {
    return banner("plain", "The task was not to wait for it.", ` Its state was ${operation.raw_state} when ${operation.is_checked_now ? "this page checked" : "it was submitted"}.`);
  }
  const why = operation.state === "timeout" ? "The deadline passed before the operation settled."
    : operation.state === "gave_up" ? "The API refused to show the operation."
      : data.wait.ended_unrecorded ? "The task ended before its operation settled."
        : "The task no longer waits for this operation.";
  // what the kill itself has recorded says the cause as well
  const cause = data.wait.left ? "" : ` ${ending(data.wait)}`;
  if (operation.raw_state === null) return banner("warn", why, cause, " The operation was never seen.", policy(data.wait));
  return banner("warn", why, cause, ...(operation.is_checked_now
    ? [` When this page checked, its state was ${operation.raw_state}.`]
    : [` Its state was ${operation.raw_state} when it was last checked, at `, at(operation.checked_at),
      data.wait.left ? "." : "; what became of it since is not known here."]), policy(data.wait));
}

// The same for the operations of a task that waited for several.
function unsettledOfMany(data, operations) {
  const late = operations.filter((operation) => operation.outcome === "timeout");
  const open = late.length ? late : data.wait.ended_unrecorded ? operations.filter((operation) => operation.checked_at !== null) : [];
  if (!open.length) return null;
  const which = open.length === operations.length ? "any of its operations" : `${open.length} of its ${operations.length} operations`;
  const what = `${late.length ? "The deadline passed" : "The task ended"} before ${which} settled.`;
  const unknown = open.some((operation) => !operation.is_settled && !operation.is_checked_now);
  return banner("warn", what, ` ${ending(data.wait)}`, unknown ? `What became of ${open.length === 1 ? "it" : "them"} since is not known here.`
    : "The list shows their state when this page checked.");
}

function banners(data, operation) {
  const found = [], live = data.live, wait = data.wait;
  const human = operation.rows.find((row) => row.needs_human);
  if (human && !operation.is_settled && operation.checked_at === null) {
    found.push(banner("ask", `Waits for a person: ${human.name}`, " The operation continues after the decision.",
      outside(operation.url, "Decide there")));
  }
  if (operation.error) {
    const code = operation.error.code ? make("code", {}, operation.error.code) : null;
    const advice = operation.error.retryable === true ? " The API says that it can be tried again."
      : operation.error.retryable === false ? " The API says that trying again does not help." : "";
    // what a policy was to come to is no trouble
    const lead = operation.ended_by ? `The API says after ${operation.ended_by}: ` : "";
    found.push(banner(lead ? "plain" : "bad", lead, operation.error.message || "The API gives no reason.", " ", code, lead ? "" : advice));
  }
  const open = unsettled(data, operation);
  if (open) found.push(open);
  const errors = [...failing(operation), ...(live && live.error && operation.state !== "gave_up" ? unread(wait, live, operation) : [])];
  if (errors.length) found.push(banner("warn", ...errors));
  return found;
}

function failing(operation) {
  if (!operation.is_stumbling) return [];
  return ["The API cannot be read at the moment.", sentence(operation.last_error),
    "The operation is not affected; checks continue until the deadline. "];
}

// Where worker or triggerer cannot read it either, failing() has said so already.
function unread(wait, live, operation) {
  const updated = wait.told_at ? ["Last updated by the ", wait.told_by, " ",
    ticking((time) => `${duration(time - wait.told_at)} ago.`)] : [];
  return operation.is_stumbling ? updated : ["This page cannot read the operation itself.", sentence(live.error), ...updated];
}

// What the wait came to; at: when that was, where that is said.
function badge({ tone, text, at: when }) {
  return make("p", { class: `state ${tone}` }, sign(tone, ""), make("span", {}, text, ...(when === null ? [] : [" at ", at(when)])));
}

function head(data, operation) {
  return make("header", { class: "head" }, badge(operation.headline),
    make("div", { class: "what" }, make("h1", {}, operation.kind || "Operation"), make("p", { class: "id" },
      make("code", {}, operation.id), data.task.tries > 1 ? ` · try ${data.task.try_number} of ${data.task.tries}` : null)),
    outside(operation.url, "Open in the console") ?? outside(operation.resource_url, "Open the resource"));
}

function current(operation) {
  if (operation.is_settled || operation.checked_at !== null) return null;
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
  // counted from the same moment as the duration
  const lines = operation.log.map((entry) => make("li", {}, make("span", { class: "when" },
    make("time", { datetime: new Date(entry.at * 1000).toISOString(), title: clock(entry.at) }, `+${duration(entry.after)}`)), make("span", {}, entry.text)));
  if (operation.dropped) lines.splice(Math.min(10, lines.length - 1), 0, make("li", { class: "dropped" }, `${operation.dropped} more changes`));
  return make("section", {}, make("h2", {}, "What the task saw"), make("ol", { class: "log" }, lines));
}

// A policy whose process died on the way.
export function owed(data) {
  return data.owes ? banner("warn", data.owes) : null;
}

export function earlier(data) {
  if (!data.earlier?.length) return null;
  const rows = data.earlier.map((entry) => make("li", {}, make("span", { class: "when" }, `try ${entry.try_number}`),
    make("span", {}, entry.before, entry.operation_id ? make("code", {}, entry.operation_id) : null, entry.after)));
  return make("section", {}, make("h2", {}, "Earlier tries"), make("ol", { class: "log" }, rows));
}

export function source(data) {
  const wait = data.wait, parts = [];
  if (data.live && !data.live.error) parts.push("Last checked by this page ", ticking((time) => `${duration(time - data.live.at)} ago`), ". ");
  if (wait.told_at) parts.push(`Last updated by the ${wait.told_by} `, ticking((time) => `${duration(time - wait.told_at)} ago`), ". ");
  parts.push(data.refresh ? `Refreshes every ${data.refresh} s. ` : "The task has ended; this page does not change any more. ");
  parts.push("Times are in ", make("span", { class: "zone" }, zone()), ", as elsewhere in Airflow.");
  return make("footer", {}, ...parts);
}

function steps(operation) {
  const title = operation.rows_title, rows = stepRows(operation), many = rows.length > 20;
  const order = (state) => STEP_ORDER.indexOf(state);
  // a few are read in the order in which they come, many from what went wrong
  if (many) rows.sort((a, b) => order(a.state) - order(b.state));
  const above = many ? chips(operation.id, new Map([...counted(rows)].sort((a, b) => order(a[0]) - order(b[0]))),
    STEP_WORDS, {}) : null;
  const only = many ? shown.filters[operation.id] : undefined;
  return rows.length ? chart(title, rows.filter((row) => !only || row.state === only),
    { column: title.replace(/s$/, ""), above, id: operation.id, from: operation.started_at }) : null;
}

function stepRows(operation) {
  return operation.rows.map((row) => {
    const open = row.start !== null && row.end === null && ["running", "unknown"].includes(row.state);
    // what was not seen since is not known to be running
    const state = open && operation.checked_at !== null && !operation.is_checked_now ? "unknown" : row.state;
    return { ...row, state, label: row.word || STEP_WORDS[row.state], is_open: open, checked_at: operation.checked_at,
      // the sign shows the usual states; for any other the text names it
      note: row.message && !operation.error?.message?.includes(row.message) ? row.message : row.state === "unknown" ? row.word : "" };
  });
}

function sentence(text) {
  return text ? ` ${text[0].toUpperCase()}${text.slice(1).replace(/[.\s]+$/, "")}. ` : " ";
}

export function one(data, operation) {
  return [head(data, operation), ...banners(data, operation), left(data, operation), current(operation), facts(data, operation),
    steps(operation), happened(operation)];
}

export function many(data) {
  const operations = [...data.operations].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const named = (what) => Object.fromEntries(operations.map((operation) => [operation.state, operation[what]]));
  const counts = counted(operations), above = chips("all", counts, named("word"), named("tone")), only = shown.filters.all;
  const rows = operations.filter((operation) => !only || operation.state === only).map(operationRow);
  const picked = operations.find((operation) => operation.id === shown.selected);
  const pick = (key) => { shown.selected = shown.selected === key ? null : key; shown.draw(); };
  return [summary(data, operations), failures(data, operations), unsettledOfMany(data, operations), together(data, operations),
    chart("Operations", rows, { column: "Operation", above, onpick: pick, picked: shown.selected, id: "all",
      note: "pick one to see more of it" }),
    picked ? make("div", { class: "picked" }, one(data, picked)) : null];
}

function operationRow(operation) {
  return {
    key: operation.id, name: operation.id, state: operation.tone, label: operation.word,
    start: operation.started_at, end: operation.ended_at, until: null, observed: operation.observed, checked_at: operation.checked_at,
    is_open: operation.started_at !== null && !operation.is_settled && operation.state !== "pending",
    is_longer: operation.start_is === "first seen", needs_human: operation.rows.some((row) => row.needs_human),
    note: operation.error?.message ?? (operation.is_settled ? "" : operation.phase ?? operation.raw_state ?? ""),
  };
}

function summary(data, operations) {
  const { omitted, wait_for: how } = data.wait;
  const parts = [how === "any" ? "the first success ends the wait" : "all have to succeed"];
  if (omitted) parts.push(`the first ${operations.length} are shown`);
  return make("header", { class: "head" }, badge(data.wait.headline),
    make("div", { class: "what" }, make("h1", {}, `${operations.length + omitted} operations`),
      make("p", { class: "id" }, parts.join(" · "))));
}

function failures(data, operations) {
  const failed = operations.filter((operation) => operation.state === "failed");
  if (!failed.length || data.wait.wait_for !== "all") return null;
  const [title, whose] = failed.length === 1 ? ["One operation failed.", "It"] : [`${failed.length} operations failed.`, "The first"];
  return banner("bad", title, ` ${whose} says: ${failed[0].error?.message ?? "nothing about why"}`);
}

// What is known of all of them: from the first start to the last finish, which is not how long any of them took.
const SPAN = { took: "First start to last finish", takes: "Since the first start", since: "first start", until: "last finish" };

function together(data, operations) {
  const begun = operations.map((operation) => operation.started_at).filter((at) => at !== null);
  const waits = operations.map((operation) => operation.next_look).filter((at) => at !== null);
  const settled = operations.every((operation) => operation.is_settled);
  const ends = operations.map((operation) => operation.ended_at);
  const checked = operations.map((operation) => operation.checked_at).filter((at) => at !== null);
  return facts(data, {
    started_at: begun.length ? Math.min(...begun) : null,
    ended_at: settled && !ends.includes(null) ? Math.max(...ends) : null,
    is_settled: settled, observed: operations.some((operation) => operation.observed),
    checked_at: checked.length ? Math.min(...checked) : null,
    failed_looks: operations.reduce((sum, operation) => sum + operation.failed_looks, 0),
    failed_note: operations.find((operation) => operation.failed_looks)?.failed_note ?? "",
    is_stumbling: operations.some((operation) => operation.is_stumbling),
    interval: operations.find((operation) => operation.interval !== null)?.interval ?? null,
    start_is: operations.some((operation) => operation.start_is === "first seen") ? "first seen" : "started", names: SPAN,
    next_look: waits.length ? Math.min(...waits) : null, resource: "",
  });
}

export function nothing(data) {
  const kind = { forbidden: "bad", signed_out: "bad", broken: "bad", not_found: "warn" }[data.status] ?? "plain";
  const tone = { forbidden: "failed", signed_out: "failed", broken: "failed", not_found: "unknown", submitting: "running" }[data.status] ?? "pending";
  return [make("div", { class: `nothing ${kind}`, role: kind === "bad" ? "alert" : null },
    data.status === "not_ours" ? null : sign(tone, ""), make("h1", {}, data.title), make("p", {}, data.hint))];
}
