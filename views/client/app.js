/** What pages do in the browser beyond htmx: theme, copy, keys. Everything works on without it. */
import { startTreegrids } from './treegrid.js';

const YEAR_SECONDS = 31_536_000;
const DONE_MS = 1500;

/** @param {string} text */
function announce(text) {
  const place = document.getElementById('announce');
  if (place) place.textContent = text;
}

/** The server reads the cookie, so the next page comes in the right colours at once. */
function switchTheme() {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  const next = (root.dataset.theme ?? system) === 'dark' ? 'light' : 'dark';
  root.dataset.theme = next;
  document.cookie = `theme=${next}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  announce(`${next} colours`);
}

/** @param {HTMLElement} button */
async function copy(button) {
  const text = button.dataset.copy ?? '';
  const done = await writeClipboard(text);
  announce(done ? 'Copied' : 'Copying is not allowed here');
  if (!done) return;
  button.classList.add('is-done');
  setTimeout(() => button.classList.remove('is-done'), DONE_MS);
}

/** The clipboard's own interface exists only on https and localhost; elsewhere a selection is copied.
 * @param {string} text */
async function writeClipboard(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  return done;
}

/** @param {MouseEvent} event */
function onClick(event) {
  if (!(event.target instanceof Element)) return;
  const button = event.target.closest('[data-copy], [data-action="theme"]');
  if (!(button instanceof HTMLElement)) return;
  if (button.dataset.action === 'theme') switchTheme();
  else void copy(button);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target instanceof Element && event.target.closest('input, textarea, select')) return;
  if (event.key === '/') {
    event.preventDefault();
    const bar = document.getElementById('q');
    if (bar instanceof HTMLInputElement) bar.select();
    else location.assign('/search');
  } else if (event.key === '?') {
    document.getElementById('keys')?.togglePopover();
  } else if (event.key === 'Escape') {
    document
      .querySelector('[data-close]')
      ?.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
  }
}

document.addEventListener('click', onClick);
document.addEventListener('keydown', onKey);
startTreegrids();
