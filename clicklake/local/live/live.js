"use strict";

const SHOWN_ROWS = 200; // of each list; the totals count all
const RATE_SECONDS = 60; // as event_log.py counts them
const ROW_GAP = 6;
const BLOCK_GAP = 16;
const EXCERPT_CHARACTERS = 120; // of a failed record
const STATUS_MILLISECONDS = 1000;

// Fields of a line other than the item and the catalogue's attributes (docs/events.md). Those are shown as chips.
const KNOWN_FIELDS = new Set(
  ("type userId eventId sessionId occurredAt sentAt receivedAt processedAt skewMs lagMs url referrer title element " +
    "properties host path utmSource utmMedium utmCampaign utmTerm utmContent utmId clickId referrerHost referrerKind " +
    "browser browserVersion os device bot country address visitorId privacy requestId v itemLookup enrichment").split(" "),
);

const $ = (id) => document.getElementById(id);
let waitingRows = [];
let paused = false;
let heldBack = 0; // events since the pause

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

/** Firehose tells that the processor refused a record, and never why. The record itself shows it. */
function reasonOf(failure, record) {
  if (failure.errorCode !== "Lambda.ProcessingFailedStatus") return failure.errorMessage;
  const excerpt = record.length > EXCERPT_CHARACTERS ? record.slice(0, EXCERPT_CHARACTERS) + "…" : record;
  return `${whyRefused(record)}: ${excerpt}`;
}

function whyRefused(record) {
  let value;
  try {
    value = JSON.parse(record);
  } catch {
    return "the processor cannot read this record, which is not JSON";
  }
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  return isObject
    ? "the processor refused this record: it is no envelope that it knows, or its lines do not fit into one answer"
    : "the processor cannot read this record, which is not a JSON object";
}

function describeFailure(failure) {
  return {
    at: clock(failure.arrivalTimestamp),
    title: failure.errorCode || "failed",
    chips: [[`${failure.attemptsMade} ×`, "bad"]],
    facts: [reasonOf(failure, decoded(failure.rawData))].filter(Boolean),
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
  if (paused) {
    show();
    return;
  }
  for (const [kind, json] of waitingRows.splice(0).slice(-SHOWN_ROWS * 2)) {
    const list = $(kind);
    list.prepend(buildRow(kind, json));
    if (list.childElementCount > SHOWN_ROWS) list.lastElementChild.remove();
  }
  show();
}

/** Hide what has nothing to show, and place the rest. */
function show() {
  const shown = (kind) => [...$(kind).children].some((row) => !row.hidden);
  const isFiltered = $("filter").value.trim() !== "";
  const isEmpty = !$("delivered").childElementCount;
  $("failed-section").hidden = !shown("failed");
  $("delivered-section").hidden = isFiltered && !shown("delivered");
  $("no-match").hidden = !isFiltered || shown("failed") || shown("delivered");
  $("empty").hidden = !isEmpty;
  $("pause").textContent = !paused ? "Pause" : heldBack ? `Resume (${heldBack.toLocaleString()} new)` : "Resume";
  $("pause").classList.toggle("paused", paused);
  place($("failed"), ROW_GAP);
  place($("delivered"), ROW_GAP);
  place($("blocks"), BLOCK_GAP);
}

/** Put the children below each other, by transforms: a browser does not count those as layout shifts. */
function place(container, gap) {
  let top = 0;
  for (const child of container.children) {
    if (child.hidden) continue;
    child.style.transform = `translateY(${top}px)`;
    top += child.offsetHeight + gap;
  }
  container.style.height = `${Math.max(0, top - gap)}px`;
}

function land(kind, event) {
  waitingRows.push([kind, event.data]);
  if (paused) {
    heldBack += 1;
    show();
  }
  if (waitingRows.length > SHOWN_ROWS * 4) waitingRows = waitingRows.slice(-SHOWN_ROWS * 2);
  if (!paused && !draw.asked) {
    draw.asked = true;
    requestAnimationFrame(() => {
      draw.asked = false;
      draw();
    });
  }
}

/** Both lists have a count for each of the last RATE_SECONDS seconds. */
function drawRate({ delivered, failed }) {
  const most = Math.max(1, ...delivered.map((count, at) => count + failed[at]));
  $("rate").replaceChildren(...Array.from({ length: RATE_SECONDS }).flatMap((_, at) => [
    bar("delivered", at, 20 - (20 * delivered[at]) / most, (20 * delivered[at]) / most),
    bar("failed", at, 20 - (20 * (delivered[at] + failed[at])) / most, (20 * failed[at]) / most),
  ]));
  const sum = (list) => list.reduce((total, count) => total + count, 0);
  const failures = sum(failed) ? `, ${sum(failed)} failed` : "";
  const peak = Math.max(...delivered);
  const atMost = peak ? `; at most ${peak} in a second` : "";
  $("rate-text").textContent = `${counted(sum(delivered), "event")} in the last minute${failures}${atMost}`;
}

function counted(count, noun) {
  return `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;
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
    drawRate(status.lastMinute);
    const on = Object.entries(status.faults).filter(([, value]) => value);
    $("faults").hidden = !on.length;
    $("faults").textContent = "Faults are on: " + on.map(([name, value]) => `${name} ${value}`).join(", ");
    show();
  } catch {
    // the event stream shows that the server is gone
  }
}

/** Fill in where a click comes from, for a page that has none yet. */
async function showLinks() {
  const { site, curl } = await (await fetch("links")).json();
  if (site) $("site").href = site;
  $("site-hint").hidden = !site;
  $("curl").textContent = curl;
  $("curl-hint").hidden = !curl;
  show();
}

function clear() {
  waitingRows = [];
  heldBack = 0;
  $("delivered").replaceChildren();
  $("failed").replaceChildren();
  draw();
  showStatus();
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  heldBack = 0;
  draw();
});
$("reset").addEventListener("click", () => fetch("reset", { method: "POST" }));
function filterRows() {
  for (const row of document.querySelectorAll("li")) row.hidden = !matches(row);
  show();
}

$("filter").addEventListener("input", filterRows);
$("clear-filter").addEventListener("click", () => {
  $("filter").value = "";
  filterRows();
  $("filter").focus();
});
$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText($("curl").textContent);
  $("copy").textContent = "Copied";
});
document.addEventListener("toggle", show, true); // a row was opened or closed
addEventListener("resize", show);

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
setInterval(showStatus, STATUS_MILLISECONDS);
show();
showStatus();
showLinks();
