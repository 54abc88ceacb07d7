// Clicklake's tracker: sends clicks to a Clicklake endpoint. See docs/tracker.md.
//
//   <script defer src="tracker.js" data-endpoint="https://…/clicks"></script>
//   <button data-click-item="item-17">Buy</button>
(function () {
  'use strict';

  const script = document.currentScript || document.querySelector('script[data-endpoint]');
  const settings = Object.assign({ itemField: 'mysfitId', itemAttribute: 'data-click-item' }, script.dataset);
  const QUIET_MS = 1000;

  let waiting = [];
  let timer = 0;

  // crypto.randomUUID is missing on plain http; getRandomValues is not.
  function uuid() {
    const bytes = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1));
    return bytes.join('').replace(/(.{8})(.{4}).(.{3}).(.{3})(.{12})/, '$1-$2-4$3-a$4-$5');
  }

  function record(type, fields) {
    waiting.push(Object.assign({
      type: type,
      eventId: uuid(),
      occurredAt: new Date().toISOString(),
      userId: settings.userId,
      url: location.href.split('#')[0],
      referrer: document.referrer || undefined,
      title: document.title.slice(0, 512),
    }, fields));
    timer = timer || setTimeout(flush, QUIET_MS);
  }

  function flush() {
    clearTimeout(timer);
    timer = 0;
    const clicks = waiting.splice(0);
    if (!clicks.length) return;
    fetch(settings.endpoint, {
      method: 'POST',
      // A string body is text/plain: the browser asks for no preflight, which a page that leaves would not live to see.
      body: JSON.stringify({ sentAt: new Date().toISOString(), clicks: clicks }),
      keepalive: true,
      credentials: 'omit',
    }).catch(function () {
      waiting = clicks.concat(waiting);
    });
  }

  function describe(element) {
    return {
      tag: element.tagName.toLowerCase(),
      id: element.id || undefined,
      text: element.textContent.trim().slice(0, 100),
      href: element.href,
    };
  }

  function clicked(event) {
    if (event.type === 'auxclick' && event.button !== 1) return;
    const element = event.composedPath().find((node) => node.getAttribute && node.getAttribute(settings.itemAttribute));
    if (!element) return;
    const fields = { element: describe(element) };
    fields[settings.itemField] = element.getAttribute(settings.itemAttribute);
    record('click', fields);
  }

  addEventListener('click', clicked, true);
  addEventListener('auxclick', clicked, true);
  addEventListener('pagehide', flush);
  document.addEventListener('visibilitychange', function () {
    if (document.visibilityState === 'hidden') flush();
  });

  window.clicks = {
    track: function (itemId, properties) {
      const fields = { properties: properties };
      fields[settings.itemField] = itemId;
      record('click', fields);
    },
    event: function (type, properties) {
      record(type, { properties: properties });
    },
    optIn: function () {},
    optOut: function () {},
  };
})();
