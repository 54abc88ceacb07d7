// Loads the page's panels one by one, and again when clicks have landed. Everything is a link or a form, so the page
// works by keyboard and its address is the view. A link to another view exchanges the page in place: nothing flashes,
// and what was looked at stays where it is.

const AT_ONCE = 4; // requests
const LONGEST_PAUSE_MS = 5000; // between two questions about one panel
const MAX_WAIT_MS = 600_000; // for one panel; Athena stops a query after half an hour
const IDLE_MS = 3_600_000; // where queries are billed, a page that nobody uses asks no more
const NO_ANSWER =
  '<div class="failed" role="alert"><p>The dashboard does not answer.</p>' +
  '<p><button type="button" class="retry">Try again</button></p></div>';

let run = 0; // counts the views: what belongs to an older one is thrown away
let newest;
let usedAt = Date.now();
let busy = 0;
const queue = [];

const view = () => document.getElementById('view').dataset;
const panels = () => [...document.querySelectorAll('[data-panel]')];

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function ask(url) {
  if (busy === AT_ONCE) await new Promise((resolve) => queue.push(resolve));
  else busy += 1;
  try {
    return await fetch(url);
  } finally {
    if (queue.length) queue.shift()();
    else busy -= 1;
  }
}

// A 202 says when to ask again: Athena takes its time. The pauses become longer, and nothing is asked while the
// page is hidden, or has become another view. The text is always read: what is not holds a connection.
async function answerOf(url, own = run) {
  const until = Date.now() + MAX_WAIT_MS;
  for (let wait = 0; ; wait *= 1.5) {
    const answer = await ask(url);
    const found = { status: answer.status, text: await answer.text() };
    if (answer.status !== 202 || Date.now() > until) return found;
    wait ||= 1000 * (answer.headers.get('Retry-After') || 1);
    await pause(Math.min(wait, LONGEST_PAUSE_MS));
    while (document.visibilityState === 'hidden') await pause(LONGEST_PAUSE_MS);
    if (own !== run) return found;
  }
}

async function load(panel, own = run) {
  let html = NO_ANSWER;
  try {
    const answer = await answerOf(`panel/${panel.dataset.panel}${view().query}`, own);
    if (answer.status === 401) return location.reload();
    html = answer.text;
    if (panel.dataset.panel === 'filters' && answer.status !== 200) return; // the ids stay in the place of names
  } catch { /* says so */ }
  if (own !== run) return;
  show(panel, html);
  panel.removeAttribute('aria-busy');
}

// What is open stays open when its panel is loaded again, and the focus stays where it is.
function show(panel, html) {
  if (panel.dataset.html === html || panel.querySelector('dialog[open]')) return;
  const open = [...panel.querySelectorAll('details')].map((each) => each.open);
  const at = stops(panel).indexOf(document.activeElement);
  const name = nameOf(stops(panel)[at]);
  panel.innerHTML = html; // the server has escaped every text
  panel.dataset.html = html;
  panel.querySelectorAll('details').forEach((each, at) => { each.open = open[at] ?? false; });
  if (at < 0) return;
  const found = stops(panel); // a row can have moved
  (found.find((each) => nameOf(each) === name) ?? found[at])?.focus({ preventScroll: true });
}

// What the Tab key stops at in a panel, and what tells one from another.
const stops = (panel) => [...panel.querySelectorAll('a[href], button, summary, [tabindex]')];
const nameOf = (element) => element?.getAttribute('href') ?? element?.className;

async function loadAll() {
  const own = run;
  try {
    ({ newest } = await (await ask(`newest${view().query}`)).json()); // before the panels: nothing can land unseen between
  } catch { /* each panel says so */ }
  const [last, first] = [true, false].map((isLast) => panels().filter((each) => isLast === (each.dataset.panel === 'budget')));
  await Promise.all(first.map((panel) => load(panel, own)));
  if (own === run) await Promise.all(last.map((panel) => load(panel, own))); // with what the others have read
  if (own === run) document.documentElement.dataset.loaded = 'yes';
}

async function visit(url, isNew = true) {
  const own = ++run;
  delete document.documentElement.dataset.loaded;
  for (const panel of panels()) panel.setAttribute('aria-busy', 'true');
  let next;
  try {
    const answer = await fetch(url);
    url = answer.url; // a form's has become the view's own
    next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  } catch { /* the browser says that there is no answer */ }
  if (own !== run) return;
  if (!next?.querySelector('#view')) return location.assign(url);
  for (const panel of next.querySelectorAll('[data-panel]')) {
    const old = document.querySelector(`[data-panel="${panel.dataset.panel}"]`);
    if (old) panel.replaceChildren(...old.childNodes); // until the new one has come
  }
  const focused = placeOf(document.activeElement);
  document.title = next.title;
  document.body.replaceWith(document.adoptNode(next.body));
  if (isNew) history.pushState(null, '', url);
  document.querySelector(focused)?.focus({ preventScroll: true });
  loadAll();
}

// Where the focus goes in the exchanged page: to the same field, else to the filters.
function placeOf(element) {
  const form = element?.closest('form');
  if (form && element.name) return `form[aria-label="${form.ariaLabel}"] [name="${element.name}"]`;
  const nav = element?.closest('nav');
  return nav ? `nav[aria-label="${nav.ariaLabel}"] [aria-current]` : '#filters';
}

document.addEventListener('click', async (event) => {
  const { target } = event;
  const panel = target.closest('[data-panel]');
  if (target.matches('.retry')) load(panel);
  if (target.matches('.shows-sql')) panel.querySelector('dialog').showModal();
  if (target.matches('.copies-sql')) {
    await navigator.clipboard.writeText(panel.querySelector('pre').textContent);
    target.textContent = 'Copied';
  }
  const link = target.closest('a[href]');
  const href = link?.href.baseVal ?? link?.getAttribute('href'); // a link in a chart is of SVG
  const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey && event.button === 0;
  if (link?.hasAttribute('download') && view().isBilled === 'yes' && isPlain) { // the file is not there at once
    event.preventDefault();
    const answer = await answerOf(link.href);
    if (answer.status === 200) location.assign(link.href);
    else show(panel, answer.text);
  }
  if (href?.startsWith('?') && isPlain) {
    event.preventDefault();
    visit(new URL(href, location.href));
  }
});

// A panel is not exchanged while its SQL is read; it catches up afterwards.
document.addEventListener('close', ({ target }) => load(target.closest('[data-panel]')), true);

document.addEventListener('submit', (event) => {
  if (event.target.method !== 'get') return;
  event.preventDefault();
  const query = new URLSearchParams(new FormData(event.target, event.submitter));
  visit(new URL(`?${query}`, location.href));
});

// What is empty or has its usual value would only make the address longer.
document.addEventListener('formdata', ({ formData }) => {
  for (const [name, usual] of [['from', ''], ['to', ''], ['zone', 'UTC'], ['compare', 'week']]) {
    if (formData.get(name) === usual) formData.delete(name);
  }
});

addEventListener('popstate', () => visit(location.href, false));

async function poll() {
  try {
    const answer = await (await ask(`newest${view().query}`)).json();
    const here = panels().find((panel) => panel.dataset.panel === 'now');
    if (answer.newest !== newest) await loadAll();
    else if (here) await load(here);
  } catch { /* asked again soon */ }
}

for (const name of ['keydown', 'pointerdown', 'scroll']) {
  addEventListener(name, () => { usedAt = Date.now(); }, { passive: true });
}

await loadAll();
for (;;) {
  await pause(1000 * view().pollSeconds);
  const isUsed = view().isBilled === 'no' || Date.now() - usedAt < IDLE_MS;
  if (document.visibilityState === 'visible' && view().goesOn === 'yes' && isUsed) await poll();
}
