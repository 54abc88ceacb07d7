// Clicklake's tracker. It tells one endpoint what is clicked, loses no click on the way, and stays out of the page's.
//
//   <script defer src="tracker.js" data-endpoint="https://…/clicks"></script>
//   <button data-click-item="item-17">Adopt</button>
//
// docs/tracker.md describes every attribute and call, docs/privacy.md what is stored on the device.
//
// How a click stays safe: from the moment it happens until the server has answered for it, each click is a localStorage
// entry of its own. So tabs never overwrite each other's queue, and what one page could not deliver the next one does.
// The entry begins with the time until which somebody is sending the click; in the past, it is free to be sent.
//
// The syntax is ES2018: this file runs as it stands in every browser since that year.
(function () {
  // A second copy of this script would count everything twice.
  if (window.clicks && window.clicks.track) return;

  const TICK_MS = 1000; // how often the queue is looked at: so long a click waits for company
  const FULL_CLICKS = 100; // so many do not wait
  const BATCH_BYTES = 45e3; // leaves room for the last clicks of a page that goes away, as all keepalive requests share
  const KEEPALIVE_BYTES = 60e3; // 64 KiB in flight: fetch.spec.whatwg.org/#http-network-or-cache-fetch
  const ANSWER_MS = 30e3; // no answer within this is no answer
  const FIRST_PAUSE_MS = 1e3; // after a failure, times 1 to 2 at random; the next failure doubles it
  const LONGEST_MS = 1800e3; // that is ever waited: a server that wants more is asked again
  const SESSION_MS = 1800e3; // without a click
  const QUEUE_CLICKS = 1000;
  const QUEUE_MS = 7 * 86400e3;

  const CLICK = 'clicklake.click.'; // + time of the click + its id
  const CONSENT = 'clicklake.consent'; // 'on' or 'off'
  const PAUSE = 'clicklake.pause'; // no request before this time
  const SESSION = 'clicklake.session'; // the time it ends + its id

  const DOWNLOAD = /\.(csv|epub|exe|mp[34]|pdf|zip|(doc|ppt|xls)x?)$/i;

  // currentScript is null in a module; there the tracker knows itself by the one attribute it cannot do without.
  const {
    endpoint,
    itemField = 'mysfitId',
    itemAttribute = 'data-click-item',
    userId,
    pageviews,
    links,
    sessions,
    consent,
    gpc,
    ...unknown
  } = (document.currentScript || document.querySelector('script[data-endpoint]')).dataset;

  let storage;
  let locks = navigator.locks; // missing on plain http
  try {
    storage = localStorage;
  } catch (error) {
    locks = 0; // Cookies are blocked: the tabs share nothing, and asking for a lock may throw as well.
  }
  storage = storage || {}; // Then clicks wait as long as the page lives. (An Android app can make localStorage null.)
  const memory = {}; // entries that must not be stored before the visitor's choice, or that a full storage did not take

  let free = 0; // clicks that nobody is sending
  let mostClicks = 500; // in a request: the server's limit, halved by each 413
  let sending = false;
  let failures = 0;
  let viewedPath;
  let referrer = document.referrer;

  function isOn(setting) {
    return setting !== undefined; // an attribute that is there but empty is on
  }

  function warn(message) {
    console.warn('clicks: ' + message);
  }

  // Nothing of ours may throw into the page.
  function guard(work) {
    return (...args) => {
      try {
        return work(...args);
      } catch (error) {
        warn(error);
      }
    };
  }

  // --- What is stored ---------------------------------------------------------------------------------------------

  function read(key) {
    return memory[key] || storage[key];
  }

  function write(key, value) {
    memory[key] = value;
    if (status() === 'waiting') return;
    try {
      storage[key] = value;
      delete memory[key];
    } catch (error) {
      // It is full, and memory keeps the entry.
    }
  }

  function remove(key) {
    delete memory[key];
    delete storage[key];
  }

  function keys(prefix) {
    return Object.keys(storage).concat(Object.keys(memory)).filter((key) => key.startsWith(prefix));
  }

  // The oldest first, since a key begins with its time. What is too old or too many is removed.
  function queue() {
    return keys(CLICK).sort().filter((key, index, all) => {
      return (key > CLICK + (Date.now() - QUEUE_MS) && index >= all.length - QUEUE_CLICKS) || remove(key);
    });
  }

  // Restarts the time that an entry begins with. Not if the entry is gone: another tab was told that its click has
  // arrived, or the visitor has opted out.
  function stamp(key, ms) {
    if (read(key)) write(key, read(key).replace(/\d+/, Date.now() + ms));
  }

  function isAhead(time) {
    const ms = parseInt(time) - Date.now();
    return ms > 0 && ms <= LONGEST_MS; // further ahead, the clock has been set back since
  }

  function valueOf(key) {
    return JSON.parse(read(key).replace(/\d+/, ''));
  }

  // --- What the visitor wants -------------------------------------------------------------------------------------

  function asksForPrivacy() {
    return gpc !== 'ignore' && (navigator.globalPrivacyControl || navigator.doNotTrack === '1');
  }

  // 'on', 'off' or 'waiting'. Read anew each time, so that a choice made in one tab counts in all.
  function status() {
    if (gpc === 'refuse' && asksForPrivacy()) return 'off';
    return read(CONSENT) || (isOn(consent) ? 'waiting' : 'on');
  }

  // Once chosen, the choice and the clicks that have waited for it may be stored.
  function choose(choice) {
    memory[CONSENT] = choice;
    for (const key in memory) write(key, memory[key]);
  }

  // --- What a click says ------------------------------------------------------------------------------------------

  // crypto.randomUUID is missing on plain http; getRandomValues is not.
  function uuid() {
    const random = crypto.getRandomValues(new Uint8Array(36));
    return '00000000-0000-4000-a000-000000000000'.replace(/0/g, (zero, at) => (random[at] & 15).toString(16));
  }

  function session() {
    if (!isAhead(read(SESSION))) write(SESSION, 0 + JSON.stringify(uuid()));
    stamp(SESSION, SESSION_MS);
    return valueOf(SESSION);
  }

  // Ids are strings to the server, often numbers to the page, and empty where there is none.
  function id(value) {
    return value ? String(value) : undefined;
  }

  // A fragment never leaves the browser; a query does not where the visitor asks for privacy.
  function address(url) {
    return url ? String(url).split(asksForPrivacy() ? /[?#]/ : '#')[0] : undefined;
  }

  function record(type, element, itemId, properties) {
    if (status() === 'off' || (consent === 'strict' && status() === 'waiting')) return;
    const click = {
      type: type,
      eventId: uuid(),
      occurredAt: new Date(),
      [itemField]: id(itemId),
      url: address(location.href),
      referrer: address(referrer),
      element: element && {
        tag: element.localName,
        id: id(element.id),
        text: element.textContent.trim().slice(0, 100),
        href: address(element.href),
      },
    };
    if (!asksForPrivacy()) {
      click.userId = id(clicks.userId);
      click.sessionId = isOn(sessions) ? session() : undefined;
      click.title = document.title;
      click.properties = properties;
    }
    write(CLICK + Date.now() + click.eventId, Date.now() + wellFormed(JSON.stringify(click)));
    free += 1;
    if (free === FULL_CLICKS) setTimeout(flush);
  }

  // Half a surrogate pair, as a cut through an emoji leaves it, is no JSON to the server and would cost the batch.
  function wellFormed(json) {
    return json.replace(/\\(ud...|.)/g, (escape) => (escape[2] ? '\ufffd' : escape));
  }

  // --- When it is sent --------------------------------------------------------------------------------------------

  function ready() {
    return status() === 'on' && navigator.onLine && !isAhead(read(PAUSE));
  }

  // Two tabs must not send one click at the same time. Plain http has no locks: a click that two tabs happen to send
  // there is counted once all the same.
  function flush() {
    if (!queue().length || sending || !ready()) return;
    sending = true;
    const work = async (lock) => lock && send(take(BATCH_BYTES));
    (locks ? locks.request(CLICK, { ifAvailable: true }, work) : work(true)).catch(warn).then(() => {
      sending = false;
      if (free >= FULL_CLICKS) flush();
    });
  }

  // Not at `unload`, which many browsers skip, and which keeps a page out of the back/forward cache.
  function leave() {
    if (ready()) send(take(sending ? KEEPALIVE_BYTES - BATCH_BYTES : KEEPALIVE_BYTES), true).catch(warn);
  }

  // Claims free clicks until the answer is due. After that they are free again: whoever claimed them has left.
  function take(room) {
    free = 0;
    const batch = queue().filter((key) => {
      if (isAhead(read(key))) return false;
      free += 1;
      room -= size(read(key));
      return free === 1 || (room > 0 && free <= mostClicks);
    });
    batch.forEach((key) => stamp(key, ANSWER_MS));
    free -= batch.length;
    return batch;
  }

  // --- How it is sent ---------------------------------------------------------------------------------------------

  function size(text) {
    return new TextEncoder().encode(text).length; // a Blob would tell as well, but takes a hundred times as long
  }

  // A body that is a string goes as text/plain: the browser asks for no preflight, which a page that leaves would not
  // see answered. A beacon sends cookies and hides the answer: only where a keepalive request is not to be had.
  async function send(batch, leaving) {
    if (!batch.length) return;
    const body = JSON.stringify({ sentAt: new Date(), clicks: batch.map(valueOf) });
    const request = () => fetch(endpoint, {
      method: 'POST',
      body: body,
      keepalive: size(body) < KEEPALIVE_BYTES,
      credentials: 'omit',
    }).catch(() => 0);
    const silence = new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    const outlivesPage = !leaving || 'keepalive' in Request.prototype;
    const response = outlivesPage && (await Promise.race([request(), silence]));
    if (response) settle(batch, response, await response.json().catch(() => ({})));
    else {
      if (leaving) navigator.sendBeacon(endpoint, body);
      retry(batch);
    }
  }

  function settle(batch, response, answer) {
    if (response.status === 413 && batch.length > 1) {
      mostClicks = batch.length >> 1;
      batch.forEach((key) => stamp(key, 0));
    } else if (/^4(?!08|29)/.test(response.status)) {
      batch.forEach(remove);
      warn(response.status + ' ' + answer.detail);
    } else if (response.ok) failures = 0;
    else retry(batch, response.headers.get('Retry-After'));
    acknowledge(batch, answer.receipts || answer.errors);
  }

  // A click with a receipt is done with, accepted or not.
  function acknowledge(batch, receipts) {
    for (const receipt of receipts || []) {
      remove(batch[receipt.index] || CLICK); // what a click's receipt says was ignored has no index
      if (receipt.reason) warn(receipt.field + ' ' + receipt.reason);
      acknowledge(batch, receipt.ignored);
    }
  }

  // The pause is stored, so that the next page and the other tabs keep it too.
  function retry(batch, retryAfterSeconds) {
    batch.forEach((key) => stamp(key, 0));
    const pause = retryAfterSeconds * 1000 || FIRST_PAUSE_MS * 2 ** failures++ * (1 + Math.random());
    if (status() === 'on') write(PAUSE, Date.now() + Math.min(pause, LONGEST_MS));
  }

  // --- What is tracked --------------------------------------------------------------------------------------------

  function clicked(event) {
    if (event.button > 1) return; // a middle click opens a link, a right click does not
    // The path leads through shadow roots.
    const find = (selector) => event.composedPath().find((node) => node.matches && node.matches(selector));
    const item = find('[' + itemAttribute + ']');
    if (item) record('click', item, item.getAttribute(itemAttribute));
    const link = isOn(links) && find('a[href],area[href]');
    if (!link) return;
    // A mailto: has no host.
    if (link.matches('[download]') || DOWNLOAD.test(link.pathname)) record('download', link);
    else if (link.host && link.host !== location.host) record('outbound', link);
  }

  // A change of the query alone is no new page: filters and search boxes write theirs with every key. And a page that
  // is rendered in advance, or waits in a tab behind, has not been viewed yet.
  function viewed() {
    if (document.hidden || location.pathname === viewedPath) return;
    if (viewedPath) referrer = location.origin + viewedPath;
    viewedPath = location.pathname;
    record('pageview');
  }

  function watchPages() {
    for (const name of ['pushState', 'replaceState']) {
      const original = history[name].bind(history);
      history[name] = (...args) => {
        original(...args);
        setTimeout(viewed); // when the page has set its title
      };
    }
    listen('popstate', viewed);
    listen('visibilitychange', viewed);
    listen('pageshow', (event) => {
      if (!event.persisted) return;
      viewedPath = 0; // back from the back/forward cache: viewed again
      viewed();
    });
    viewed();
  }

  // In the capture phase, so that a page that stops its events does not hide them. Nothing is ever cancelled.
  function listen(type, work) {
    addEventListener(type, guard(work), true);
  }

  function start() {
    for (const name in unknown) warn('unknown attribute ' + name);
    listen('click', clicked);
    listen('auxclick', clicked);
    listen('pagehide', leave);
    listen('visibilitychange', () => document.hidden && leave());
    if (isOn(pageviews)) watchPages();
    setInterval(guard(flush), TICK_MS);
  }

  window.clicks = {
    userId: userId,
    track: guard((itemId, properties) => record('click', undefined, itemId, properties)),
    event: guard((type, properties) => record(type, undefined, undefined, properties)),
    optIn: () => choose('on'),
    optOut: () => {
      keys('clicklake.').forEach(remove);
      choose('off');
    },
    status: status,
  };
  start();
})();
