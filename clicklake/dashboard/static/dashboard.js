// Loads the page's panels one by one, and again when clicks have landed. Everything is a link or a form, so the page
// works by keyboard, and its address is the view.

const POLL_MS = 2000;
const view = document.getElementById('view').dataset;
const panels = [...document.querySelectorAll('[data-panel]')];
const AT_ONCE = 4;

async function load(panel) {
  const name = panel.dataset.panel;
  try {
    const answer = await fetch(`panel/${name}${view.query}`, { headers: { Accept: 'text/html' } });
    if (answer.status === 401) return location.reload();
    show(panel, await answer.text());
  } catch {
    show(panel, '<div class="failed" role="alert"><p>The dashboard does not answer.</p><p><button type="button" class="retry">Try again</button></p></div>');
  }
  panel.removeAttribute('aria-busy');
}

// An open table or SQL text stays open when its panel is loaded again.
function show(panel, html) {
  if (panel.dataset.html === html) return;
  const open = [...panel.querySelectorAll('details')].map((each) => each.open);
  const isSqlShown = panel.querySelector('.sql')?.hidden === false;
  panel.innerHTML = html; // the server has escaped every text
  panel.dataset.html = html;
  panel.querySelectorAll('details').forEach((each, at) => { each.open = open[at] ?? false; });
  if (isSqlShown) toggleSql(panel, true);
}

function toggleSql(panel, isShown) {
  const sql = panel.querySelector('.sql');
  if (!sql) return;
  sql.hidden = !isShown;
  panel.querySelector('.shows-sql').setAttribute('aria-expanded', String(isShown));
}

async function loadAll() {
  const waiting = [...panels];
  const next = async () => {
    for (let panel = waiting.shift(); panel; panel = waiting.shift()) await load(panel);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

document.addEventListener('click', async ({ target }) => {
  const panel = target.closest('[data-panel]');
  if (target.matches('.retry')) load(panel);
  if (target.matches('.shows-sql')) toggleSql(panel, panel.querySelector('.sql').hidden);
  if (target.matches('.copies-sql')) {
    await navigator.clipboard.writeText(panel.querySelector('pre').textContent);
    target.textContent = 'Copied';
  }
});

// A choice takes effect at once; the dates only where they are chosen.
const controls = document.querySelector('[data-submits]');
const isCustom = () => controls.elements.period.value === 'custom';
const showDates = () => controls.classList.toggle('has-dates', isCustom());
controls.addEventListener('change', (event) => {
  showDates();
  if (event.target.name === 'period' && isCustom()) return controls.elements.from.focus();
  if (event.target.type !== 'date') controls.requestSubmit();
});
// Parameters that have no meaning or their default make an address longer for nothing.
controls.addEventListener('formdata', ({ formData }) => {
  if (!isCustom()) { formData.delete('from'); formData.delete('to'); }
  for (const [name, usual] of [['zone', 'UTC'], ['compare', 'week'], ['period', '7d']]) {
    if (formData.get(name) === usual) formData.delete(name);
  }
});
showDates();

let known;
async function poll() {
  if (document.visibilityState !== 'visible') return;
  try {
    const { newest } = await (await fetch('newest')).json();
    if (known !== undefined && newest !== known) await loadAll();
    else await load(panels.find((panel) => panel.dataset.panel === 'now'));
    known = newest;
  } catch { /* asked again soon */ }
}

await loadAll();
document.documentElement.dataset.loaded = 'yes';
if (view.goesOn === 'yes') {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    await poll();
  }
}
