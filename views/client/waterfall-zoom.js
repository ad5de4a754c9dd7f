/** A drag over the small picture of the trace, or over the ruler, shows that time; a drag at a heading makes names wider. */
import { htmxOf, withParams } from './waterfall-scroll.js';

/** A shorter drag was meant as a click. */
const MIN_PX = 4;

/** @type {{ place: HTMLElement, box: HTMLElement, from: number } | undefined} */
let drag;

/** @param {PointerEvent} event @param {HTMLElement} place */
function shareOf(event, place) {
  const { left, width } = place.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - left) / width));
}

/** @param {PointerEvent} event */
function onDown(event) {
  const found = event.target instanceof Element ? event.target.closest('[data-zoom-href]') : null;
  if (!(found instanceof HTMLElement) || event.button !== 0) return;
  event.preventDefault();
  const box = document.createElement('div');
  box.className = 'zoom-box';
  found.append(box);
  found.setPointerCapture(event.pointerId);
  drag = { place: found, box, from: shareOf(event, found) };
}

/** @param {PointerEvent} event */
function onMove(event) {
  if (!drag) return;
  const { place, box, from } = drag;
  const to = shareOf(event, place);
  box.style.left = `${Math.min(from, to) * 100}%`;
  box.style.width = `${Math.abs(to - from) * 100}%`;
}

/** @param {PointerEvent} event */
function onUp(event) {
  if (!drag) return;
  const { place, box, from } = drag;
  drag = undefined;
  box.remove();
  const to = shareOf(event, place);
  if (event.type === 'pointercancel') return;
  if (Math.abs(to - from) * place.getBoundingClientRect().width < MIN_PX) return;
  const start = Number(place.dataset.zoomFrom);
  const length = Number(place.dataset.zoomTo) - start;
  const nano = (/** @type {number} */ share) => `${Math.round(start + share * length)}ns`;
  const params = `from=${nano(Math.min(from, to))}&to=${nano(Math.max(from, to))}`;
  const url = withParams(place.dataset.zoomHref ?? '', params);
  void htmxOf().ajax('GET', url, { source: '#waterfall', target: '#waterfall', swap: 'outerHTML' });
}

const WIDTH_KEY = 'spanlake-names';
const [LEAST_PX, MOST_PX, STEP_PX] = [140, 900, 24];

/** @param {number} px */
function setWidth(px) {
  const width = Math.round(Math.min(MOST_PX, Math.max(LEAST_PX, px)));
  document.documentElement.style.setProperty('--wf-name', `${width}px`);
  for (const handle of document.querySelectorAll('[data-names-width]')) {
    handle.setAttribute('aria-valuenow', String(width));
  }
  try {
    localStorage.setItem(WIDTH_KEY, String(width));
  } catch {
    // A browser may forbid to keep it: then it holds for this page.
  }
}

/** @param {Element} handle */
function widthNow(handle) {
  return handle.closest('[role="columnheader"]')?.getBoundingClientRect().width ?? LEAST_PX;
}

/** @param {PointerEvent} event */
function onHandle(event) {
  const handle = event.target instanceof Element ? event.target.closest('[data-names-width]') : null;
  if (!(handle instanceof HTMLElement)) return;
  event.preventDefault();
  const offset = widthNow(handle) - event.clientX;
  const move = (/** @type {PointerEvent} */ moved) => setWidth(moved.clientX + offset);
  handle.setPointerCapture(event.pointerId);
  handle.addEventListener('pointermove', move);
  const stop = () => handle.removeEventListener('pointermove', move);
  handle.addEventListener('lostpointercapture', stop, { once: true });
}

/** @param {KeyboardEvent} event */
function onHandleKey(event) {
  const handle = event.target instanceof Element ? event.target.closest('[data-names-width]') : null;
  if (!handle || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return;
  event.preventDefault();
  setWidth(widthNow(handle) + (event.key === 'ArrowLeft' ? -STEP_PX : STEP_PX));
}

function rememberedWidth() {
  try {
    return Number(localStorage.getItem(WIDTH_KEY) ?? 0);
  } catch {
    return 0;
  }
}

export function startWaterfallZoom() {
  document.addEventListener('pointerdown', onDown);
  document.addEventListener('pointermove', onMove);
  document.addEventListener('pointerup', onUp);
  document.addEventListener('pointercancel', onUp);
  document.addEventListener('pointerdown', onHandle);
  document.addEventListener('keydown', onHandleKey);
  const width = rememberedWidth();
  if (width >= LEAST_PX) setWidth(width);
}
