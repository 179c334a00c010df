// Shows the data of view/history.py, and requests it again while the wait is still running.

import { banner, embedded } from "./dom.js";
import { earlier, many, nothing, one, owed, source } from "./parts.js";
import { shown } from "./state.js";

const page = document.getElementById("page");
const spoken = document.getElementById("spoken");

// -- drawing, without losing the reader's place

function draw() {
  try { render(); } catch (error) {
    // whatever was stored: better a sentence than a page that stays empty
    page.replaceChildren(...nothing({ status: "broken", title: "This page cannot be drawn",
      hint: `${error}. The task is not affected; its log says the same.` }).filter(Boolean));
    page.setAttribute("aria-busy", "false");
  }
}

function render() {
  const data = shown.data;
  const place = document.activeElement?.dataset?.key;
  const scrolled = [...page.querySelectorAll(".scroll")].map((element) => [element.dataset.key, element.scrollTop]);
  const parts = !data.operations ? nothing(data) : data.operations.length === 1 ? one(data, data.operations[0]) : many(data);
  const failed = shown.failures > 1 ? banner("warn", "The API server does not answer.",
    ` Asked ${shown.failures} times; shown is what was known before.`) : null;
  page.replaceChildren(...[failed, owed(data), ...parts, earlier(data), data.operations ? source(data) : null].filter(Boolean));
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
  const text = one ? `${one.headline.text}${one.phase ? `: ${one.phase}` : ""}` : data.wait?.headline.text ?? data.title ?? "";
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
    // what is known stays on the page while the server is too busy to say more
    if (answer.status === 504 && shown.data?.operations) throw new Error(data.title);
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
// the zone was changed in Airflow's own pages
window.addEventListener("storage", (event) => { if (event.key === "timezone" && shown.data) draw(); });
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
shown.draw = draw;
follow();
ask();
