// Clicklake's tracker. It sends clicks to one endpoint, loses none on the way, and never disturbs the page.
//
//   <script defer src="tracker.min.js" data-endpoint="https://…/clicks"></script>
//   <button data-click-item="item-17">Adopt</button>
//
// docs/tracker.md describes every attribute and call, docs/privacy.md what is stored on the device.
//
// How a click stays safe: each click is stored as its own localStorage entry until the server has answered for it. So
// tabs never overwrite each other's queue, and the next page sends what this page could not. The entry starts with the
// time until which somebody is sending the click. Once that time has passed, any tab may send it.
//
// How the page is kept out: a page can rename, replace or shadow nearly everything here, by accident or on purpose. The
// tracker takes its functions when it starts, reads the document and elements through their prototypes (`<img
// name="title">` hides document.title, `<input name="id">` hides form.id), and puts no page's function between a click
// and its JSON.
//
// The syntax is ES2018, so this file runs unbuilt in every browser since then. `make tracker` builds two files from it:
// tracker.min.js without autocapture, and tracker.full.min.js with it.
(function () {
  const FULL = typeof CLICKLAKE_LITE === 'undefined'; // the build of tracker.min.js defines it

  // A second copy of this script would count everything twice.
  const MARK = Symbol.for('clicklake');
  if (window[MARK]) return;

  const TICK_MS = 1000; // how often the tracker looks at the queue
  const FULL_CLICKS = 100; // this many clicks do not wait
  const BATCH_BYTES = 45e3; // leaves room for the last clicks of a page that goes away, as all keepalive requests share
  const KEEPALIVE_BYTES = 60e3; // 64 KiB in flight: fetch.spec.whatwg.org/#http-network-or-cache-fetch
  const ANSWER_MS = 30e3; // a request without an answer has failed after this time
  const FIRST_PAUSE_MS = 1e3; // after a failure, times 1 to 2 at random; the next failure doubles it
  const OFFLINE_DOUBLINGS = 3; // a browser that says it is offline tries every 8 to 16 s
  const LONGEST_MS = 1800e3; // longest pause, also if the server asks for more
  const SESSION_MS = 1800e3; // without a click
  const QUEUE_CLICKS = 1000;
  const QUEUE_MS = 7 * 86400e3;
  const URL_LENGTH = 8192; // servers take no longer ones; ours keeps page and campaign of them
  const TITLE_LENGTH = 512; // the server's limit
  const TEXT_LENGTH = 100;
  const CLICK_MS = 50; // from the pointer's going up to its click, at most
  const STILL_PIXELS = 9; // a pointer that moves less between down and up has not been dragged

  const PREFIX = 'clicklake.'; // of what is stored
  const CLICK = PREFIX + 'click.'; // + time of the click + its id
  const CONSENT = PREFIX + 'consent'; // 'on' or 'off'
  const PAUSE = PREFIX + 'pause'; // no request before this time
  const SESSION = PREFIX + 'session'; // the time it ends + its id

  const AUTOCAPTURED = 'element_click';
  const DOWNLOAD = /\.(csv|epub|exe|mp[34]|pdf|zip|(doc|ppt|xls)x?)$/i;
  const LINK = 'a[*|href],area[href]'; // *| finds the xlink:href of SVG
  const BUTTON_INPUT = 'input[type=submit],input[type=button],input[type=reset]';
  const IGNORED = '[data-clicklake-ignore]';
  const UNREAD = 'script,style,noscript,textarea,select' + (FULL ? ',' + IGNORED : '');
  const CONTROL =
    'button,summary,[onclick],input[type=image],[role=button],[role=link],[role=tab],[role=switch],[role^=menuitem],' +
    BUTTON_INPUT + ',' + LINK;

  const { fetch, Blob } = window;
  const { parse, stringify } = JSON;
  const { ownKeys } = Reflect; // old libraries replace Object.keys
  const { now } = Date;

  const isOn = (setting) => {
    return setting || setting === ''; // an attribute that is there but empty is on
  };

  const warn = (message) => {
    try {
      console.warn('clicks: ' + message);
    } catch (error) {
      // The page has a console of its own.
    }
  };

  // The tracker never throws into the page.
  const guard = (work) => {
    return (...args) => {
      try {
        return work(...args);
      } catch (error) {
        warn(error);
      }
    };
  };

  // --- The document, whatever the page has named its elements -------------------------------------------------------

  const of = (node, name, type = Element) => {
    return Reflect.get(type.prototype, name, node);
  };

  const ofDocument = (name) => {
    return of(document, name, Document);
  };

  const attribute = (element, name) => {
    return of(element, 'getAttribute').call(element, name);
  };

  const is = (node, selector) => {
    try {
      return of(node, 'matches').call(node, selector);
    } catch (error) {
      return false; // not an element
    }
  };

  // Loaded by a script element, the tracker reads its attributes. In a module currentScript is null, and the tracker knows
  // its element by the one attribute it cannot do without. A page may also define `clicks` before, with a queue of calls
  // and with settings for where attributes are not to be had. (Not an element whose id is `clicks`.)
  const script = ofDocument('currentScript') || ofDocument('querySelector').call(document, 'script[data-endpoint]');
  const isTaken = ownKeys(window).includes('clicks');
  const stub = (isTaken && window.clicks) || {};
  const {
    endpoint,
    itemField = 'mysfitId',
    itemAttribute = 'data-click-item',
    userId,
    pageviews,
    links,
    sessions,
    wait = 15,
    consent,
    gpc,
    ...unknown
  } = { ...(script || stub).dataset, ...stub.config };

  let storage;
  let locks = navigator.locks; // missing on plain http
  try {
    storage = window.localStorage;
  } catch (error) {
    locks = 0; // Cookies are blocked: the tabs share nothing, and asking for a lock may throw as well.
  }
  storage = storage || {}; // Then clicks wait as long as the page lives. (An Android app can make localStorage null.)
  const memory = { __proto__: null }; // this page's entries: a page may clear localStorage, or consent may be missing

  const target = (endpoint || '').replace(/^\/(?!\/)/, location.origin + '/'); // whatever <base> the page has
  let free = 0; // clicks that nobody is sending
  let mostClicks = 500; // in a request: the server's limit, halved by each 413
  let sending = false;
  let failures = 0;
  let since = 0; // when the first click was made that waits
  let viewedPath;
  let referrer = ofDocument('referrer');
  let pressed = 0; // where the pointer went down, until its click has come
  let pressedPath;

  // --- What is stored ---------------------------------------------------------------------------------------------

  const read = (key) => {
    return storage[key] || memory[key];
  };

  const write = (key, value) => {
    memory[key] = value;
    if (status() === 'waiting') return;
    try {
      storage[key] = value;
    } catch (error) {
      // The storage is full. Memory keeps the entry.
    }
  };

  const remove = (key) => {
    delete memory[key];
    delete storage[key];
  };

  const keys = (prefix) => {
    return ownKeys(storage).concat(ownKeys(memory).filter((key) => !storage[key])).filter((key) => key.startsWith(prefix));
  };

  // The oldest first, since a key begins with its time. What is too old or too many is removed.
  const queue = () => {
    return keys(CLICK).sort().filter((key, index, all) => {
      return (key > CLICK + (now() - QUEUE_MS) && index >= all.length - QUEUE_CLICKS) || remove(key);
    });
  };

  // Sets the time that an entry begins with. Not if the entry is gone: another tab was told that its click has arrived,
  // or the visitor has opted out.
  const stamp = (batch, ms) => {
    for (const key of batch) if (read(key)) write(key, now() + ms + textOf(key));
  };

  const isAhead = (key) => {
    const ms = parseInt(read(key)) - now();
    return ms > 0 && ms <= LONGEST_MS; // further ahead, the clock has been set back since
  };

  const textOf = (key) => {
    return read(key).replace(/^\d+/, '');
  };

  // --- What the visitor wants -------------------------------------------------------------------------------------

  const asksForPrivacy = () => {
    return gpc !== 'ignore' && (navigator.globalPrivacyControl || navigator.doNotTrack === '1');
  };

  // 'on', 'off' or 'waiting'. Read anew each time, so that a choice made in one tab counts in all.
  const status = () => {
    const choice = read(CONSENT);
    if (!endpoint || (gpc === 'refuse' && asksForPrivacy())) return 'off';
    return choice === 'on' || choice === 'off' ? choice : isOn(consent) ? 'waiting' : 'on';
  };

  // Once chosen, the choice and the clicks that have waited for it may be stored.
  const choose = (choice) => {
    memory[CONSENT] = choice;
    delete storage[CONSENT];
    for (const key of ownKeys(memory)) write(key, memory[key]);
  };

  // --- What a click says ------------------------------------------------------------------------------------------

  // crypto.randomUUID is missing on plain http; getRandomValues is not.
  const uuid = () => {
    const random = crypto.getRandomValues(new Uint8Array(36));
    return '00000000-0000-4000-a000-000000000000'.replace(/0/g, (zero, at) => (random[at] & 15).toString(16));
  };

  // The letter ends the time before it.
  const session = () => {
    if (!isAhead(SESSION)) write(SESSION, '0s' + uuid());
    stamp([SESSION], SESSION_MS);
    return textOf(SESSION).slice(1);
  };

  // Ids are strings to the server, often numbers to the page, and empty where there is none.
  const id = (value) => {
    return value || value === 0 ? String(value) : undefined;
  };

  // Half a surrogate pair, as a cut through an emoji leaves it, is no JSON to the server and would cost the batch.
  const toJson = (value) => {
    return stringify(value).replace(/\\(ud...|.)/g, (escape) => (escape[2] ? '\\ufffd' : escape));
  };

  // Where an element leads, taken apart as the browser would, also where the page has a `URL` of its own or the element
  // is an SVG's.
  const linkOf = (element) => {
    const link = ofDocument('createElement').call(document, 'a');
    const href = attribute(element, 'href') || attribute(element, 'xlink:href');
    if (href) link.href = href;
    return link;
  };

  // A fragment never leaves the browser; a query does not where the visitor asks for privacy.
  const address = (url) => {
    return url.split(asksForPrivacy() ? /[?#]/ : '#')[0].slice(0, URL_LENGTH) || undefined;
  };

  // The text that a person reads. Never what was typed.
  const textOfNode = (node) => {
    if (!is(node, '*')) return node.nodeType === 3 ? node.data : '';
    if (is(node, UNREAD) || node.isContentEditable) return '';
    return [...of(node, 'childNodes')].map(textOfNode).join('');
  };

  const short = (text) => {
    return text.replace(/\s+/g, ' ').trim().slice(0, TEXT_LENGTH) || undefined;
  };

  // What a screen reader would call a control, more or less.
  const nameOf = (node) => {
    const name = attribute(node, 'aria-label') || attribute(node, 'alt') || (is(node, BUTTON_INPUT) && attribute(node, 'value'));
    const images = of(node, 'querySelectorAll').call(node, '[aria-label],[alt]');
    return short(name || textOfNode(node)) || short([...images].map(nameOf).join(' '));
  };

  // The same control has the same selector on the next visit: the way down from the nearest id that no framework made.
  const selectorOf = (element) => {
    const steps = [];
    for (; element && steps.length < 5; element = of(element, 'parentElement')) {
      const id = attribute(element, 'id') || '';
      const isStable = /^[a-z](?!.*\d\d)[\w-]*$/i.test(id);
      const name = of(element, 'localName');
      let position = 1;
      for (let before = element; (before = of(before, 'previousElementSibling')); ) {
        position += of(before, 'localName') === name;
      }
      steps.unshift(isStable ? '#' + id : position > 1 ? name + ':nth-of-type(' + position + ')' : name);
      if (isStable) break;
    }
    return steps.join('>');
  };

  // No prototype, so that no toJSON of the page's changes what is sent.
  const describe = (element, isControl) => {
    const { href, protocol } = linkOf(element);
    const described = {
      __proto__: null,
      tag: of(element, 'localName'),
      id: id(attribute(element, 'id')),
      // A data: URL is a file, and a mailto: a person: only their kind is sent.
      href: /^http/.test(protocol) ? address(href) : id(href && protocol),
      text: FULL && isControl ? undefined : short(textOfNode(element)),
    };
    if (FULL && isControl) {
      described.name = nameOf(element);
      described.selector = selectorOf(element);
    }
    return described;
  };

  const record = (type, element, itemId, properties) => {
    if (status() === 'off' || (consent === 'strict' && status() === 'waiting')) return;
    const click = {
      __proto__: null,
      type: type,
      eventId: uuid(),
      occurredAt: new Date().toISOString(),
      [itemField]: id(itemId),
      url: address(location.href),
      referrer: address(referrer),
      element: element && describe(element, FULL && type === AUTOCAPTURED),
    };
    if (!asksForPrivacy()) {
      click.userId = id(clicks.userId);
      click.sessionId = isOn(sessions) ? session() : undefined;
      click.title = ofDocument('title').slice(0, TITLE_LENGTH);
      click.properties = guard(() => properties && parse(stringify(properties)))(); // JSON cannot hold all of them
    }
    write(CLICK + now() + click.eventId, now() + toJson(click));
    if (!free++) since = performance.now();
    if (free === FULL_CLICKS) setTimeout(flush);
  };

  // --- When it is sent --------------------------------------------------------------------------------------------

  const ready = () => {
    return status() === 'on' && !isAhead(PAUSE);
  };

  // What a page before this one, or another tab, has left behind does not wait. A data-wait that is no number means none.
  const isDue = () => {
    return !free || free >= FULL_CLICKS || !(performance.now() - since < wait * 1000);
  };

  // Two tabs must not claim one click at the same time. Plain http has no locks: a click that two tabs happen to send
  // there is counted once all the same. The lock ends with the claim, because Firefox keeps no page with a lock in its
  // back/forward cache.
  const flush = async () => {
    try {
      if (!queue().length || sending || !ready() || !isDue()) return;
      sending = true;
      const claim = (lock) => (lock ? take(BATCH_BYTES) : []);
      await send(await (locks ? locks.request(CLICK, { ifAvailable: true }, claim) : claim(true)));
    } catch (error) {
      warn(error);
    }
    sending = false;
    if (free >= FULL_CLICKS) setTimeout(flush, 50);
  };

  // Not at `unload`, which many browsers skip, and which keeps a page out of the back/forward cache.
  const leave = () => {
    if (ready()) send(take(sending ? KEEPALIVE_BYTES - BATCH_BYTES : KEEPALIVE_BYTES), true).catch(warn);
  };

  // Claims free clicks until the answer is due. After that they are free again: whoever claimed them has left. An entry
  // that is no JSON was not written by a tracker.
  const take = (room) => {
    free = 0;
    const batch = queue().filter((key) => {
      if (isAhead(key)) return false;
      try {
        parse(textOf(key));
      } catch (error) {
        return remove(key);
      }
      free += 1;
      room -= size(read(key));
      return free === 1 || (room > 0 && free <= mostClicks);
    });
    stamp(batch, ANSWER_MS);
    free -= batch.length;
    return batch;
  };

  // --- How it is sent ---------------------------------------------------------------------------------------------

  const size = (text) => {
    return new Blob([text]).size;
  };

  // A body that is a string goes as text/plain: the browser asks for no preflight, which a page that leaves would not
  // see answered. A beacon sends cookies and hides the answer: only where a keepalive request is not to be had.
  const send = async (batch, leaving) => {
    if (!batch.length) return;
    // Joined as text: an Array.prototype.toJSON, as old libraries define it, would turn the clicks into a string.
    const body = '{"sentAt":"' + new Date().toISOString() + '","clicks":[' + batch.map(textOf).join() + ']}';
    const request = async () => {
      const response = await fetch(target, {
        method: 'POST',
        body: body,
        keepalive: size(body) < KEEPALIVE_BYTES,
        credentials: 'omit',
      });
      return [response, (await response.json().catch(() => 0)) || {}];
    };
    const outlivesPage = !leaving || 'keepalive' in Request.prototype;
    // A page that breaks fetch() throws here, or has answers that are none.
    const answered =
      outlivesPage &&
      (await Promise.race([request().catch(() => 0), new Promise((resolve) => setTimeout(resolve, ANSWER_MS))]));
    if (answered) settle(batch, ...answered);
    else {
      if (leaving) navigator.sendBeacon(target, body);
      retry(batch);
    }
  };

  const settle = (batch, response, answer) => {
    if (response.status === 413 && batch.length > 1) {
      mostClicks = batch.length >> 1;
      return stamp(batch, 0);
    }
    const isRefused = /^4(?!08|29)/.test(response.status);
    if (isRefused) warn(response.status + ' ' + answer.detail);
    acknowledge(batch, answer.receipts || answer.errors);
    const left = batch.filter(read);
    if (isRefused) left.forEach(remove);
    else if (left[0]) {
      if (response.ok) warn(response.status + ' without receipts'); // not the ingest app, or a proxy in front of it
      retry(left, response.headers.get('Retry-After'));
    } else failures = 0;
  };

  // A click with a receipt is done with, accepted or not.
  const acknowledge = (batch, receipts) => {
    for (const receipt of receipts || []) {
      remove(batch[receipt.index] || CLICK); // what a click's receipt says was ignored has no index
      if (receipt.reason) warn(receipt.field + ' ' + receipt.reason);
      acknowledge(batch, receipt.ignored);
    }
  };

  // The pause is stored, so that the next page and the other tabs keep it too.
  const retry = (batch, retryAfterSeconds) => {
    stamp(batch, 0);
    // Offline, the pause does not grow. Some browsers say so behind a VPN although they are online: so they try.
    const doublings = navigator.onLine ? failures++ : OFFLINE_DOUBLINGS;
    const pause = retryAfterSeconds * 1000 || FIRST_PAUSE_MS * 2 ** doublings * (1 + Math.random());
    if (status() === 'on') write(PAUSE, now() + Math.min(pause, LONGEST_MS));
  };

  // --- What is tracked --------------------------------------------------------------------------------------------

  // A page may replace, move or cover an element while the button is down. The click then goes to an element around it,
  // to the whole page, or is none to the browser. It is the click of what was pressed, unless the pointer has moved.
  const pathOf = (event) => {
    const path = event.composedPath();
    const isStill = Math.hypot(event.x - pressed.x, event.y - pressed.y) < STILL_PIXELS;
    pressed = 0;
    return isStill && (!path[0] || pressedPath.includes(path[0])) ? pressedPath : path;
  };

  const clicked = (event) => {
    if (event.button > 1) return; // a middle click opens a link, a right click does not
    const path = pathOf(event); // leads through shadow roots
    const find = (selector) => path.find((node) => is(node, selector));
    viewed(); // before its clicks
    const item = path.find((node) => is(node, '*') && attribute(node, itemAttribute));
    if (item) record('click', item, attribute(item, itemAttribute));
    const link = isOn(links) && find(LINK);
    if (link) {
      const url = linkOf(link);
      // A mailto: has no host.
      if (is(link, '[download]') || DOWNLOAD.test(url.pathname)) return record('download', link);
      if (url.host && url.host !== location.host) return record('outbound', link);
    }
    if (!FULL || item || !isOn(unknown.autocapture)) return;
    const control = find(CONTROL);
    if (control && !control.isContentEditable && !find(IGNORED)) record(AUTOCAPTURED, control);
  };

  // A change of the query alone is no new page: filters and search boxes write theirs with every key. Nor is a slash at
  // the end. And a page that is rendered in advance, or waits in a tab behind, has not been viewed yet.
  const viewed = () => {
    const path = location.pathname;
    const isSame = viewedPath && path.replace(/\/$/, '') === viewedPath.replace(/\/$/, '');
    if (!isOn(pageviews) || ofDocument('hidden') || isSame) return;
    if (viewedPath) referrer = location.origin + viewedPath;
    viewedPath = path;
    record('pageview');
  };

  // In the capture phase, so that a page that stops its events does not hide them. Nothing is ever cancelled.
  const listen = (type, work) => {
    addEventListener(type, guard(work), true);
  };

  const start = () => {
    for (const name of ownKeys(unknown)) if (!FULL || name !== 'autocapture') warn('unknown attribute ' + name);
    if (!endpoint) warn('data-endpoint is missing');
    listen('pointerdown', (event) => {
      pressed = event;
      pressedPath = event.composedPath();
    });
    listen('pointerup', (event) => {
      // By then the click has come, if there is one.
      setTimeout(guard(() => pressed && !pressedPath[0].isConnected && clicked(event)), CLICK_MS);
    });
    listen('click', clicked);
    listen('auxclick', clicked);
    listen('visibilitychange', () => (ofDocument('hidden') ? leave() : viewed()));
    listen('pagehide', () => {
      leave();
      // While this page is in the back/forward cache, other pages send its clicks.
      for (const key of ownKeys(memory)) if (storage[key]) delete memory[key];
    });
    // Another tab has removed the entry. A page that clears the whole storage names no key, and memory keeps the clicks.
    listen('storage', (event) => event.newValue === null && delete memory[event.key]);
    listen('pageshow', (event) => {
      if (event.persisted) viewedPath = 0; // back from the back/forward cache: viewed again
      viewed();
    });
    // The tick sees every new path within a second, whatever changed it, and so no function of the page's is patched. The
    // Navigation API, where there is one, sees it at once.
    const navigation = FULL && window.navigation;
    if (navigation && navigation.addEventListener) {
      navigation.addEventListener('currententrychange', () => setTimeout(guard(viewed))); // when the page has set its title
    }
    viewed();
    setInterval(guard(() => {
      viewed();
      flush();
    }), TICK_MS);
  };

  const clicks = {
    userId: stub.userId || userId,
    track: guard((itemId, properties) => record('click', undefined, itemId, properties)),
    event: guard((type, properties) => record(type, undefined, undefined, properties)),
    optIn: guard(() => choose('on')),
    optOut: guard(() => {
      keys(PREFIX).forEach(remove);
      choose('off');
    }),
    status: status,
  };
  window[MARK] = clicks;
  if (!isTaken || stub.q) window.clicks = clicks; // else the page means something else by it
  start();
  for (const [call, ...args] of stub.q || []) guard(() => clicks[call](...args))();
})();
