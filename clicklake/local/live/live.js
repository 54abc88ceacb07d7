"use strict";

const SHOWN_ROWS = 200; // of each list; the totals count all
const RATE_SECONDS = 60;
const STATUS_MILLISECONDS = 1000;

// Fields of a line other than the item and the catalogue's attributes (docs/events.md). Those are shown as chips.
const KNOWN_FIELDS = new Set(
  ("type userId eventId sessionId occurredAt sentAt receivedAt processedAt skewMs lagMs url referrer title element " +
    "properties host path utmSource utmMedium utmCampaign utmTerm utmContent utmId clickId referrerHost referrerKind " +
    "browser browserVersion os device bot country address visitorId privacy requestId v itemLookup enrichment").split(" "),
);

const $ = (id) => document.getElementById(id);
const perSecond = { delivered: new Map(), failed: new Map() };
let waitingRows = [];
let paused = false;

/** A stranger's text, with what would hide or reorder it made visible. */
function plain(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (hidden) =>
    hidden === "\n" ? "\n" : "\\u" + hidden.charCodeAt(0).toString(16).padStart(4, "0"));
}

function clock(instant) {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleTimeString([], { hour12: false });
}

function describeClick(line) {
  const itemField = Object.keys(line).find((name) => !KNOWN_FIELDS.has(name) && /Id$/.test(name));
  const attributes = Object.entries(line).filter(([name]) => !KNOWN_FIELDS.has(name) && name !== itemField);
  const chips = attributes.map(([, value]) => [value]);
  const lookup = line.itemLookup ?? line.enrichment; // lines written by 0.1.0 have the second
  if (lookup && !["found", "ok", "none"].includes(lookup)) chips.push([lookup, "bad"]);
  if (line.bot) chips.push(["bot: " + line.bot, "bad"]);
  if (line.privacy) chips.push([line.privacy]);
  const place = line.host ? line.host + (line.path || "") : null;
  const agent = [line.browser, line.os, line.device].filter(Boolean).join(", ");
  const facts = [line.userId, place, line.referrerKind, agent, line.country];
  return {
    at: clock(line.receivedAt),
    title: [line.type, itemField ? line[itemField] : null].filter(Boolean).join(" "),
    chips,
    facts: facts.filter(Boolean),
    detail: JSON.stringify(line, null, 2),
  };
}

function decoded(rawData) {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(rawData), (c) => c.charCodeAt(0)));
  } catch {
    return rawData;
  }
}

function describeFailure(failure) {
  return {
    at: clock(failure.arrivalTimestamp),
    title: failure.errorCode,
    chips: [[`${failure.attemptsMade} ×`, "bad"]],
    facts: [failure.errorMessage],
    detail: JSON.stringify(failure, null, 2) + "\n\nrawData, decoded:\n" + decoded(failure.rawData),
  };
}

function buildRow(kind, json) {
  const value = JSON.parse(json);
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  const described = !isObject
    ? { at: "", title: "not a JSON object", chips: [], facts: [], detail: value }
    : kind === "failed" ? describeFailure(value) : describeClick(value);
  const row = $("row").content.firstElementChild.cloneNode(true);
  row.dataset.text = json.toLowerCase();
  row.querySelector("time").textContent = described.at;
  row.querySelector("strong").textContent = plain(described.title);
  for (const [text, mood] of described.chips) {
    const chip = document.createElement("span");
    chip.className = mood ? "chip " + mood : "chip";
    chip.textContent = plain(text);
    row.querySelector(".chips").append(chip, " ");
  }
  row.querySelector(".facts").textContent = described.facts.map(plain).join(" · ");
  row.querySelector("pre").textContent = plain(described.detail);
  row.hidden = !matches(row);
  return row;
}

function matches(row) {
  return row.dataset.text.includes($("filter").value.trim().toLowerCase());
}

/** Rows are drawn once a frame, however many land. */
function draw() {
  for (const [kind, json] of waitingRows.splice(0).slice(-SHOWN_ROWS * 2)) {
    const list = $(kind);
    list.prepend(buildRow(kind, json));
    if (list.childElementCount > SHOWN_ROWS) list.lastElementChild.remove();
  }
  $("failed-section").hidden = !$("failed").childElementCount;
  $("empty").hidden = $("delivered").childElementCount > 0;
}

function land(kind, event) {
  const second = Math.floor(Date.now() / 1000);
  perSecond[kind].set(second, (perSecond[kind].get(second) || 0) + 1);
  waitingRows.push([kind, event.data]);
  if (waitingRows.length > SHOWN_ROWS * 4) waitingRows = waitingRows.slice(-SHOWN_ROWS * 2);
  if (!paused && !draw.asked) {
    draw.asked = true;
    requestAnimationFrame(() => {
      draw.asked = false;
      if (!paused) draw();
    });
  }
}

function drawRate() {
  const now = Math.floor(Date.now() / 1000);
  const seconds = Array.from({ length: RATE_SECONDS }, (_, at) => now - RATE_SECONDS + 1 + at);
  const counts = (kind) => seconds.map((second) => perSecond[kind].get(second) || 0);
  const [delivered, failed] = [counts("delivered"), counts("failed")];
  for (const map of Object.values(perSecond)) for (const second of map.keys()) if (second < seconds[0]) map.delete(second);
  const most = Math.max(1, ...delivered.map((count, at) => count + failed[at]));
  $("rate").replaceChildren(...seconds.flatMap((_, at) => [
    bar("delivered", at, 20 - (20 * delivered[at]) / most, (20 * delivered[at]) / most),
    bar("failed", at, 20 - (20 * (delivered[at] + failed[at])) / most, (20 * failed[at]) / most),
  ]));
  const sum = (list) => list.reduce((total, count) => total + count, 0);
  const failures = sum(failed) ? `, ${sum(failed)} failed` : "";
  $("rate-text").textContent =
    `${sum(delivered)} clicks in the last minute${failures}; at most ${Math.max(...delivered)} in a second`;
}

function bar(kind, x, y, height) {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ class: kind, x: x + 0.1, y, width: 0.8, height })) {
    rect.setAttribute(name, value);
  }
  return rect;
}

async function showStatus() {
  try {
    const status = await (await fetch("status")).json();
    for (const name of ["delivered", "failed", "raw", "waiting"]) {
      $(name + "-total").textContent = status[name].toLocaleString();
    }
    const on = Object.entries(status.faults).filter(([, value]) => value);
    $("faults").hidden = !on.length;
    $("faults").textContent = "Faults are on: " + on.map(([name, value]) => `${name} ${value}`).join(", ");
  } catch {
    // the event stream shows that the server is gone
  }
}

function clear() {
  waitingRows = [];
  $("delivered").replaceChildren();
  $("failed").replaceChildren();
  draw();
  showStatus();
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  if (!paused) draw();
});
$("reset").addEventListener("click", () => fetch("reset", { method: "POST" }));
$("filter").addEventListener("input", () => {
  for (const row of document.querySelectorAll("li")) row.hidden = !matches(row);
});

const events = new EventSource("events?recent=100");
events.addEventListener("open", () => {
  $("connection").textContent = "live";
  $("connection").className = "";
});
events.addEventListener("error", () => {
  $("connection").textContent = "not connected, retrying";
  $("connection").className = "lost";
});
events.addEventListener("delivered", (event) => land("delivered", event));
events.addEventListener("failed", (event) => land("failed", event));
events.addEventListener("reset", clear);
setInterval(drawRate, 1000);
setInterval(showStatus, STATUS_MILLISECONDS);
drawRate();
showStatus();
