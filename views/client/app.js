/** What pages do in the browser beyond htmx: theme, zone, copy, keys. Everything works on without it. */
import { startTimes, switchZone } from './times.js';
import { startHeatmapDrag } from './heatmap-drag.js';
import { startCompletion } from './completion.js';
import { startRows } from './rows.js';
import { startTail } from './tail.js';
import { startFilters } from './filter-rows.js';
import { startTreegrids } from './treegrid.js';
import { startWaterfallScroll } from './waterfall-scroll.js';
import { startWaterfallZoom } from './waterfall-zoom.js';

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
  const button = event.target.closest('[data-copy], [data-action="theme"], [data-action="zone"]');
  if (!(button instanceof HTMLElement)) return;
  if (button.dataset.action === 'theme') switchTheme();
  else if (button.dataset.action === 'zone') announce(switchZone());
  else void copy(button);
}

/** After `g`, the next key names a page. */
const GO_MS = 1500;
let goUntil = 0;

/** @param {string} key @returns {boolean} */
function goes(key) {
  const wasGo = performance.now() < goUntil;
  goUntil = key === 'g' ? performance.now() + GO_MS : 0;
  if (!wasGo) return false;
  const link = document.querySelector(`.pages [data-go="${CSS.escape(key)}"]`);
  if (!(link instanceof HTMLAnchorElement)) return false;
  location.assign(link.href);
  return true;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target instanceof Element && event.target.closest('input, textarea, select')) return;
  if (goes(event.key)) {
    event.preventDefault();
  } else if (event.key === 'z') {
    announce(switchZone());
  } else if (event.key === '/') {
    event.preventDefault();
    const bar = document.getElementById('q');
    if (bar instanceof HTMLInputElement || bar instanceof HTMLTextAreaElement) bar.select();
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
startHeatmapDrag();
startWaterfallScroll();
startWaterfallZoom();
startTreegrids();
startFilters();
startCompletion();
startRows();
startTail();
startTimes();
