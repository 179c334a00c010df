// Builds what pages are made of. Every text goes in as text, never as HTML.

import { now } from "./state.js";

export const embedded = window.parent !== window;

const SIGNS = {
  done: "M4.5 8.5l2.3 2.3 4.7-5", failed: "M5.5 5.5l5 5M10.5 5.5l-5 5", skipped: "M5 8h6", running: "M8 4.6V8l2.3 1.6",
  pending: "", unknown: "M6.4 6.3a1.7 1.7 0 1 1 2.4 1.8c-.6.3-.8.6-.8 1.1M8 11.3v.1",
};

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h >= 48) return `${Math.floor(h / 24)} d ${h % 24} h`;
  if (h) return `${h} h ${String(m).padStart(2, "0")} min`;
  return m ? `${m} min ${String(s).padStart(2, "0")} s` : `${s} s`;
}

// Airflow's UI keeps the zone that its user has picked there, and shows the browser's own until one is picked.
export function zone() {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  let picked = null;
  try { picked = localStorage.getItem("timezone"); } catch { /* not to be had in this browser */ }
  try { picked = JSON.parse(picked); } catch { /* not quoted, as older releases keep it */ }
  try { return picked ? new Intl.DateTimeFormat(undefined, { timeZone: picked }).resolvedOptions().timeZone : own; } catch { return own; }
}

export function clock(epoch, more = {}) {
  const at = new Date(epoch * 1000), timeZone = zone();
  const day = (date) => date.toLocaleDateString("en-CA", { timeZone });
  const time = at.toLocaleTimeString("en-GB", { timeZone, hour12: false, ...more });
  return day(at) === day(new Date(now() * 1000)) ? time : `${day(at)} ${time}`;
}

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function sign(tone, word) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `sign ${tone}`);
  // without a word it is beside a text that says the same
  if (word) { svg.setAttribute("role", "img"); svg.setAttribute("aria-label", word); }
  else svg.setAttribute("aria-hidden", "true");
  const circle = document.createElementNS(svg.namespaceURI, "circle");
  for (const [name, value] of [["cx", 8], ["cy", 8], ["r", 7]]) circle.setAttribute(name, value);
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", SIGNS[tone] ?? "");
  svg.append(circle, path);
  return svg;
}

// A text that changes by itself: what(now) is asked every second.
export function ticking(what, attributes = {}) {
  const element = make("span", attributes);
  element.tick = () => { const text = what(now()); if (element.textContent !== text) element.textContent = text; };
  element.classList.add("ticks");
  element.tick();
  return element;
}

export function at(epoch) {
  return make("time", { datetime: new Date(epoch * 1000).toISOString(), title: new Date(epoch * 1000).toISOString() },
    clock(epoch, { timeZoneName: "short" }));
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

export function outside(url, text) {
  if (!/^https?:\/\//.test(url ?? "")) return null;
  return make("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: "button",
    onclick: (event) => open(event, url) }, text, " ", make("span", { "aria-hidden": "true" }, "↗"));
}

export function banner(kind, title, ...more) {
  return make("div", { class: `banner ${kind}`, role: kind === "bad" ? "alert" : null }, make("strong", {}, title), ...more);
}
