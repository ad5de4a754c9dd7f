/**
 * Completion in the query bar: the server says what can stand at the caret, this shows it and puts it in. Enter
 * searches unless an option was chosen by the arrow keys; Shift+Enter begins a new line.
 */

const WAIT_MS = 90;
const RECENT_KEY = 'spanlake.recent';
const RECENT_KEPT = 20;
const RECENT_SHOWN = 6;
/** A longer query is a link that somebody followed, and nothing that is picked from a list. */
const RECENT_CHARS = 600;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {AbortController | undefined} */
let asking;

/** @param {EventTarget | null} target @returns {HTMLTextAreaElement | undefined} */
function barOf(target) {
  const isBar = target instanceof HTMLTextAreaElement && target.closest('[data-complete]') !== null;
  return isBar ? target : undefined;
}

/** @returns {HTMLElement | null} */
const box = () => document.getElementById('completions');
const options = () => [...(box()?.querySelectorAll('[role=option]') ?? [])];
const isOpen = () => box()?.hidden === false;
const active = () => box()?.querySelector('[aria-selected=true]') ?? null;

/** The server's page does not say so: without this module there is no list.
 * @param {HTMLTextAreaElement} bar */
function describe(bar) {
  bar.setAttribute('aria-autocomplete', 'list');
  bar.setAttribute('aria-haspopup', 'listbox');
  if (isOpen()) bar.setAttribute('aria-controls', 'completion-list');
  else bar.removeAttribute('aria-controls');
  const chosen = active();
  if (chosen) bar.setAttribute('aria-activedescendant', chosen.id);
  else bar.removeAttribute('aria-activedescendant');
}

function close() {
  clearTimeout(timer);
  asking?.abort();
  asking = undefined;
  const list = box();
  if (!list) return;
  list.hidden = true;
  list.replaceChildren();
  const bar = barOf(document.getElementById('q'));
  if (bar) describe(bar);
}

/** @param {HTMLTextAreaElement} bar */
function later(bar) {
  clearTimeout(timer);
  asking?.abort();
  timer = setTimeout(() => void ask(bar), WAIT_MS);
}

/** The newest question alone is answered: an older one is cancelled, also at the server.
 * @param {HTMLTextAreaElement} bar */
async function ask(bar) {
  const form = bar.form;
  const path = form?.dataset.complete;
  if (!form || !path || document.activeElement !== bar) return;
  asking?.abort();
  const own = new AbortController();
  asking = own;
  const params = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === 'string') params.append(name, value);
  params.set('at', String(bar.selectionStart));
  try {
    const answer = await fetch(`${path}?${params}`, { signal: own.signal });
    const html = answer.ok ? await answer.text() : '';
    if (own === asking && document.activeElement === bar) show(bar, html);
  } catch {
    // Cancelled, or the server is away: the bar works on without a list.
  }
}

/** @param {HTMLTextAreaElement} bar @param {string} html */
function show(bar, html) {
  const list = box();
  if (!list) return;
  list.innerHTML = html;
  if (bar.value.trim() === '') addRecent(list);
  const found = options();
  // What is typed is all that could be put in.
  const only = found.length === 1 && inserted(found[0]).trim() === word(bar).trim();
  if (found.length === 0 || only) {
    close();
    return;
  }
  list.hidden = false;
  list.scrollTop = 0;
  describe(bar);
  const place = document.getElementById('announce');
  if (place) place.textContent = `${found.length} suggestions`;
}

/** @param {Element} option @returns {string} */
const inserted = (option) => (option instanceof HTMLElement ? (option.dataset.insert ?? '') : '');

/** @param {HTMLTextAreaElement} bar */
function word(bar) {
  const { from, to } = range(bar, undefined);
  return bar.value.slice(from, to);
}

/** What is replaced: told by the list, for a recent search by itself.
 * @param {HTMLTextAreaElement} bar @param {Element | undefined} option */
function range(bar, option) {
  if (option instanceof HTMLElement && option.dataset.recent !== undefined) {
    return { from: 0, to: bar.value.length };
  }
  const list = document.getElementById('completion-list');
  return {
    from: Number(list?.dataset.from ?? bar.selectionStart),
    to: Number(list?.dataset.to ?? bar.selectionStart),
  };
}

/** @param {HTMLTextAreaElement} bar @param {Element} option */
function accept(bar, option) {
  const { from, to } = range(bar, option);
  const text = inserted(option);
  const doubled = text.endsWith(' ') && bar.value[to] === ' ';
  bar.focus();
  bar.setSelectionRange(from, doubled ? to + 1 : to);
  close();
  // It alone leaves what can be undone as it was; it also says `input`, which asks for the next list.
  if (!document.execCommand('insertText', false, text)) {
    bar.setRangeText(text, from, doubled ? to + 1 : to, 'end');
    bar.dispatchEvent(new Event('input', { bubbles: true }));
  }
}

/** @param {HTMLTextAreaElement} bar @param {number} step */
function move(bar, step) {
  const all = options();
  const now = all.findIndex((option) => option.getAttribute('aria-selected') === 'true');
  // One place more than options: none of them, from where Enter searches.
  const places = all.length + 1;
  const next = (now + 1 + step + places) % places;
  all.forEach((option, i) => option.setAttribute('aria-selected', String(i === next - 1)));
  active()?.scrollIntoView({ block: 'nearest' });
  describe(bar);
}

/** @param {HTMLTextAreaElement} bar @param {KeyboardEvent} event @returns {boolean} whether it was for the list */
function listKey(bar, event) {
  const chosen = active();
  switch (event.key) {
    case 'ArrowDown':
      move(bar, 1);
      return true;
    case 'ArrowUp':
      move(bar, -1);
      return true;
    case 'Escape':
      close();
      return true;
    case 'Enter':
      if (!chosen || event.shiftKey) return false;
      accept(bar, chosen);
      return true;
    case 'Tab': {
      const { from } = range(bar, undefined);
      const option = chosen ?? (from < bar.selectionStart ? options()[0] : undefined);
      if (!option || event.shiftKey) return false;
      accept(bar, option);
      return true;
    }
    default:
      return false;
  }
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const bar = barOf(event.target);
  if (!bar || event.isComposing || event.metaKey) return;
  if (isOpen() && !event.ctrlKey && !event.altKey && listKey(bar, event)) {
    event.preventDefault();
    event.stopPropagation();
  } else if (event.key === ' ' && event.ctrlKey) {
    event.preventDefault();
    void ask(bar);
  } else if (event.key === 'ArrowDown' && (event.altKey || bar.value === '')) {
    event.preventDefault();
    void ask(bar);
  } else if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    close();
    bar.form?.requestSubmit();
  }
}

/** @returns {string[]} */
function recent() {
  try {
    const kept = JSON.parse(localStorage.getItem(RECENT_KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

/** In this browser alone.
 * @param {string} query */
function remember(query) {
  const q = query.trim();
  if (q === '' || q.length > RECENT_CHARS || /^[0-9a-f]{32}$/i.test(q)) return;
  const kept = [q, ...recent().filter((other) => other !== q)].slice(0, RECENT_KEPT);
  try {
    localStorage.setItem(RECENT_KEY, JSON.stringify(kept));
  } catch {
    // Storage is full or forbidden: nothing is remembered.
  }
}

/** @param {HTMLElement} list */
function addRecent(list) {
  const place = list.querySelector('[role=listbox]');
  if (!place) return;
  const added = recent()
    .slice(0, RECENT_SHOWN)
    .map((query, i) => {
      const option = document.createElement('li');
      option.setAttribute('role', 'option');
      option.setAttribute('aria-selected', 'false');
      option.id = `recent-${i}`;
      option.dataset.recent = '';
      option.dataset.insert = query;
      const label = document.createElement('bdi');
      label.className = 'data';
      label.textContent = query;
      const detail = document.createElement('span');
      detail.className = 'detail';
      detail.textContent = 'searched before';
      option.append(label, detail);
      return option;
    });
  place.prepend(...added);
}

/** Where the style sheet can't make the field as high as its text.
 * @param {HTMLTextAreaElement} bar */
function fit(bar) {
  if (CSS.supports('field-sizing', 'content')) return;
  bar.style.height = 'auto';
  bar.style.height = `${bar.scrollHeight + 2}px`;
}

export function startCompletion() {
  document.addEventListener('input', (event) => {
    const bar = barOf(event.target);
    if (!bar) return;
    fit(bar);
    if (bar.selectionStart === bar.selectionEnd) later(bar);
  });
  document.addEventListener('focusin', (event) => {
    const bar = barOf(event.target);
    if (bar) describe(bar);
  });
  document.addEventListener('focusout', (event) => {
    if (barOf(event.target)) close();
  });
  document.addEventListener('keydown', onKey, true);
  // The field keeps the focus, so that the list does not go before the click.
  document.addEventListener('mousedown', (event) => {
    if (event.target instanceof Element && event.target.closest('#completions')) event.preventDefault();
  });
  document.addEventListener('click', (event) => {
    const option =
      event.target instanceof Element ? event.target.closest('#completions [role=option]') : null;
    const bar = barOf(document.getElementById('q'));
    if (option && bar) accept(bar, option);
  });
  document.addEventListener('submit', (event) => {
    const bar = event.target instanceof HTMLFormElement ? barOf(event.target.querySelector('#q')) : undefined;
    if (!bar) return;
    close();
    remember(bar.value);
  });
}
