// The grid of mysfits, its filters, and the profile that a click opens.
//
// Everything shown comes from mysfits.json. Nothing here tracks: each card says which item it is (data-click-item),
// and the tracker sees the click by itself.

const FILTERS = ['goodevil', 'lawchaos', 'species'];
const GOOD_TO_EVIL = ['Good', 'Neutral', 'Evil'];
const LAW_TO_CHAOS = ['Lawful', 'Neutral', 'Chaotic'];

const form = document.querySelector('#filters');
const shown = document.querySelector('#shown');
const showAll = document.querySelector('#show-all');
const grid = document.querySelector('#grid');
const profile = document.querySelector('#profile');

const years = new Intl.NumberFormat('en', { notation: 'compact', compactDisplay: 'long' });
const yearsBelowAMillion = new Intl.NumberFormat('en');

function describeAge(age) {
  return `${(age < 1e6 ? yearsBelowAMillion : years).format(age)} years`;
}

function describeAlignment({ goodevil, lawchaos }) {
  return goodevil === lawchaos ? 'True neutral' : `${lawchaos} ${goodevil.toLowerCase()}`;
}

// Fills every element that names a field, and marks the mysfit's place on the compass: good is up, chaos is right.
function fill(root, mysfit) {
  const fields = { ...mysfit, age: describeAge(mysfit.age), alignment: describeAlignment(mysfit) };
  for (const element of root.querySelectorAll('[data-field]')) {
    const value = fields[element.dataset.field];
    if (element.localName === 'img') element.src = value;
    else element.textContent = value;
  }
  const place = GOOD_TO_EVIL.indexOf(mysfit.goodevil) * 3 + LAW_TO_CHAOS.indexOf(mysfit.lawchaos);
  root.querySelectorAll('.compass i').forEach((dot, index) => dot.classList.toggle('here', index === place));
}

function buildCard(mysfit) {
  const card = document.querySelector('#card').content.cloneNode(true).firstElementChild;
  const button = card.querySelector('button');
  fill(card, mysfit);
  button.dataset.clickItem = mysfit.mysfitId;
  button.addEventListener('click', () => openProfile(mysfit, button));
  return card;
}

function openProfile(mysfit, opener) {
  fill(profile, mysfit);
  opener.focus(); // Closing gives the focus back to what has it now, and Safari focuses no button on a click.
  profile.showModal();
}

function matches(mysfit, wanted) {
  return FILTERS.every((name) => !wanted[name] || wanted[name] === mysfit[name]);
}

// An option's count is what choosing it would show, the other filters left as they are.
function showCounts(mysfits, wanted) {
  const count = (name, value) => mysfits.filter((mysfit) => matches(mysfit, { ...wanted, [name]: value })).length;
  for (const radio of form.querySelectorAll('[type=radio]')) {
    radio.parentElement.querySelector('b').textContent = count(radio.name, radio.value);
  }
  for (const option of form.elements.species.options) {
    option.text = `${option.value || 'Any'} (${count('species', option.value)})`;
  }
}

// The address says what is shown, so that it can be shared. Replaced, not pushed: a filter is no step to go back to.
function writeAddress(wanted) {
  const url = new URL(location.href);
  for (const name of FILTERS) {
    if (wanted[name]) url.searchParams.set(name, wanted[name]);
    else url.searchParams.delete(name);
  }
  history.replaceState(null, '', url);
}

function readAddress(mysfits) {
  const asked = new URL(location.href).searchParams;
  for (const name of FILTERS) {
    if (mysfits.some((mysfit) => mysfit[name] === asked.get(name))) form.elements[name].value = asked.get(name);
  }
}

function applyFilters(mysfits) {
  const wanted = Object.fromEntries(new FormData(form));
  const found = mysfits.filter((mysfit, index) => {
    const fits = matches(mysfit, wanted);
    grid.children[index].hidden = !fits;
    return fits;
  });
  const all = found.length === mysfits.length;
  shown.textContent = found.length ? `${all ? 'All' : `${found.length} of`} ${mysfits.length} mysfits` : 'No mysfit is all of that.';
  showAll.hidden = all;
  showCounts(mysfits, wanted);
  return wanted;
}

function start(mysfits) {
  const species = mysfits.map((mysfit) => mysfit.species).sort();
  form.elements.species.append(...[...new Set(species)].map((name) => new Option(name, name)));
  grid.append(...mysfits.map(buildCard));

  readAddress(mysfits);
  applyFilters(mysfits);
  form.addEventListener('change', () => writeAddress(applyFilters(mysfits)));
  showAll.addEventListener('click', () => {
    form.reset();
    writeAddress(applyFilters(mysfits));
    form.elements.goodevil[0].focus(); // the button has just gone from under the focus
  });
  profile.addEventListener('click', (event) => {
    if (event.target === profile) profile.close(); // beside the sheet
  });
}

fetch('mysfits.json')
  .then((answer) => answer.json())
  .then(start, () => {
    shown.textContent = 'The mysfits did not come when called. Please load the page again.';
  });
