// The chart: a row for each step, phase or operation, on one scale of time.

import { duration, make, sign } from "./dom.js";
import { now, shown } from "./state.js";

function scale(rows, most, begin) {
  const starts = [...rows.map((row) => row.start), begin ?? null].filter((value) => value !== null);
  if (!starts.length) return null;
  const from = Math.min(...starts);
  const ends = rows.map(drawnTo).filter((value) => value !== null);
  const to = Math.max(...ends, ...starts, from + 1);
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800, 2592000];
  const step = steps.find((seconds) => (to - from) / seconds <= most) ?? (to - from);
  return { from, length: to - from, step };
}

// Up to where a bar is drawn: its end, else up to where something is known.
function drawnTo(row) {
  return row.end ?? row.until ?? (row.is_open ? row.checked_at ?? now() : null);
}

// What is known of how long it took. What is over without an end, or was not seen since, has no duration.
function tookText(row) {
  if (row.start === null) return "–";
  // it was so when it was first seen, and may have been before
  const about = row.is_longer ? "at least " : row.observed ? "≈ " : "";
  if (row.at_least >= 1) return `at least ${duration(row.at_least)}`;
  if (row.end !== null) return about + duration(row.end - row.start);
  if (!row.is_open || row.until) return "–";
  if (row.checked_at) return row.checked_at - row.start < 1 ? "–" : `at least ${duration(row.checked_at - row.start)}`;
  return about + duration(now() - row.start);
}

function tickText(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return seconds % 60 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : `${seconds / 60} min`;
  if (seconds < 172800) return seconds % 3600 ? duration(seconds) : `${seconds / 3600} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

function move(event) {
  const buttons = [...event.currentTarget.querySelectorAll("button.pick")], at = buttons.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (at < 0 || to === undefined || !buttons[to]) return;
  event.preventDefault();
  buttons[at].tabIndex = -1;
  buttons[to].tabIndex = 0;
  shown.reached = buttons[to].dataset.key;
  buttons[to].focus();
}

export function chart(title, rows, options = {}) {
  const axis = make("div", { class: "axis", "aria-hidden": "true" });
  const bars = [];
  // one stop of the Tab key for all rows; arrow keys, Home and End go from row to row
  const reached = rows.some((row) => row.key === shown.reached) ? shown.reached : rows[0]?.key;
  const body = rows.map((row) => {
    const fill = make("div", { class: `fill ${row.state}` });
    const track = make("div", { class: "track", "aria-hidden": "true" }, fill);
    const took = make("td", { class: "took" });
    const name = options.onpick
      ? make("button", { type: "button", class: "pick", "data-key": row.key, tabindex: row.key === reached ? "0" : "-1",
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
        make("span", { class: "spoken" }, "When"), axis), make("th", { scope: "col", class: "took" }, "Duration"))),
    make("tbody", options.onpick ? { onkeydown: move } : {}, body));
  table.tick = () => layOut(rows, bars, axis, options.from);
  return make("section", {}, make("h2", { id: heading }, title, " ", make("small", {}, options.note ?? "")),
    options.above ?? null, make("div", { class: "scroll", "data-key": `scroll-${heading}`, role: "region", "aria-labelledby": heading, tabindex: "0" },
      table));
}

function layOut(rows, bars, axis, begin) {
  // marks that have room beside each other
  const range = scale(rows, Math.max(1, Math.min(6, Math.floor((axis.clientWidth || 400) / 62))), begin);
  if (range === null) { axis.replaceChildren(); }
  else if (axis.dataset.range !== `${range.step} ${Math.round(range.length)}`) {
    axis.dataset.range = `${range.step} ${Math.round(range.length)}`;
    const marks = [];
    for (let seconds = 0; seconds <= range.length; seconds += range.step) {
      const mark = make("span", {}, tickText(seconds));
      mark.style.left = `${100 * seconds / range.length}%`;
      marks.push(mark);
    }
    axis.replaceChildren(...marks);
  }
  for (const { row, fill, track, took } of bars) {
    const end = drawnTo(row);
    track.classList.toggle("empty", row.start === null && row.end === null);
    if (range !== null && (row.start !== null || end !== null)) {
      const from = row.start ?? end, to = end ?? row.start;
      fill.style.left = `${100 * (from - range.from) / range.length}%`;
      fill.style.width = `${Math.max(0, 100 * (to - from) / range.length)}%`;
      track.style.backgroundSize = `${100 * range.step / range.length}% 100%`;
    }
    fill.hidden = row.start === null && end === null;
    const text = tookText(row);
    if (took.textContent !== text) took.textContent = text;
    took.title = text !== "–" && row.observed ? "As seen from here: the API gives no times" : "";
  }
}

// Buttons that leave only the rows of one state, where there are many rows of several states.
export function chips(name, counts, words, tones) {
  if (!counts.has(shown.filters[name])) delete shown.filters[name];
  return make("div", { class: "chips", role: "group", "aria-label": "Show only" }, [...counts].map(([state, count]) => {
    const pressed = shown.filters[name] === state;
    const pick = () => { shown.filters[name] = pressed ? undefined : state; shown.draw(); };
    return make("button", { type: "button", "data-key": `chip-${name}-${state}`, "aria-pressed": String(pressed), onclick: pick },
      sign(tones[state] ?? state, ""), `${count} ${(words[state] ?? state).toLowerCase()}`);
  }));
}

export function counted(rows) {
  const counts = new Map();
  for (const row of rows) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  return counts;
}
