// Tells the tracker where to send, and keeps the footer's switch.
//
// This runs before tracker.min.js, as deferred scripts run in their order: so the endpoint of config.js reaches the tracker's
// own script element, and no page holds an address to edit.

const tracker = document.querySelector('script[src="tracker.min.js"]');
tracker.dataset.endpoint = window.CLICKLAKE.endpoint;
// With `make run`, a click shows up within two seconds.
if (/^(127\.|localhost$)/.test(location.hostname)) tracker.dataset.wait = 0;

document.addEventListener('DOMContentLoaded', () => {
  const state = document.querySelector('#counting');
  const button = document.querySelector('#counting-switch');

  if (!window.clicks) {
    state.textContent = 'Your browser has not loaded the counter, so nothing is counted.';
    return;
  }

  function show() {
    const counting = window.clicks.status() === 'on';
    state.textContent = counting ? 'Your visit is counted.' : 'Your visit is not counted.';
    button.textContent = counting ? 'Stop counting me' : 'Count me again';
    button.hidden = false;
  }

  button.addEventListener('click', () => {
    if (window.clicks.status() === 'on') window.clicks.optOut();
    else window.clicks.optIn();
    show();
  });
  window.addEventListener('storage', show); // the choice, made in another tab
  show();
});
