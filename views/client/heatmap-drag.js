/**
 * Dragging over the heatmap fills in the form that selects a part of it; the form then leads to an address like
 * any other. A click without a drag follows the link of its step.
 */

/** Pixels below which a press is a click. */
const LEAST_DRAG = 5;

/** @typedef {{ x: number, y: number }} Point in cells, from the top left. */

/** @type {{ plot: SVGSVGElement, from: Point, at: { x: number, y: number }, drawn: boolean } | undefined} */
let drag;
/** A click comes behind the drag: it is not meant for the link below the pointer. */
let swallowClick = false;

/** @param {SVGSVGElement} plot @param {string} name */
function figure(plot, name) {
  return Number(plot.getAttribute(`data-${name}`));
}

/** @param {EventTarget | null} target @returns {SVGSVGElement | undefined} */
function plotOf(target) {
  const picture = target instanceof Element ? target.closest('.heatmap-picture') : null;
  const plot = picture?.querySelector('[data-heatmap]');
  return plot instanceof SVGSVGElement ? plot : undefined;
}

/** @param {SVGSVGElement} plot @param {PointerEvent} event @returns {Point} */
function pointOf(plot, event) {
  const box = plot.getBoundingClientRect();
  const part = (/** @type {number} */ at, /** @type {number} */ from, /** @type {number} */ length) =>
    Math.min(1, Math.max(0, (at - from) / length));
  return {
    x: part(event.clientX, box.left, box.width) * figure(plot, 'columns'),
    y: part(event.clientY, box.top, box.height) * figure(plot, 'rows'),
  };
}

/** Whole steps of time, and rows as they were drawn. @param {Point} a @param {Point} b */
function area(a, b) {
  const left = Math.floor(Math.min(a.x, b.x));
  const right = Math.max(left + 1, Math.ceil(Math.max(a.x, b.x)));
  return { left, right, top: Math.min(a.y, b.y), bottom: Math.max(a.y, b.y) };
}

/** @param {SVGSVGElement} plot @param {ReturnType<typeof area> | undefined} part */
function draw(plot, part) {
  const rect = plot.querySelector('.heat-drag');
  if (!rect) return;
  const { left, right, top, bottom } = part ?? { left: 0, right: 0, top: 0, bottom: 0 };
  const values = { x: left, y: top, width: right - left, height: bottom - top };
  for (const [name, value] of Object.entries(values)) rect.setAttribute(name, String(value));
}

/** `2026-11-23T23:05:00Z` of a column's begin. @param {SVGSVGElement} plot @param {number} column */
function timeText(plot, column) {
  const start = BigInt(plot.getAttribute('data-start') ?? '0');
  const nano = start + BigInt(plot.getAttribute('data-step') ?? '0') * BigInt(column);
  const seconds = new Date(Number(nano / 1_000_000_000n) * 1000).toISOString().slice(0, -5);
  const fraction = String(nano % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** @type {[string, number][]} */
const UNITS = [
  ['s', 1e9],
  ['ms', 1e6],
  ['us', 1e3],
  ['ns', 1],
];

/** Two digits are as much as a hand can mean. @param {SVGSVGElement} plot @param {number} y */
function durationText(plot, y) {
  const half = figure(plot, 'first-half') + figure(plot, 'rows') - y;
  const power = Math.floor(half / 2);
  const nano = 2 ** power * (1 + (half - power * 2) / 2);
  const [unit, length] = UNITS.find(([, one]) => nano >= one) ?? UNITS[3];
  return `${Number((nano / length).toPrecision(2))}${unit}`;
}

/** @param {Element} section @param {string} name @param {string} value */
function fill(section, name, value) {
  const input = section.querySelector(`[name="sel-${name}"]`);
  if (input instanceof HTMLInputElement) input.value = value;
}

/** An edge of the picture is no limit: what lies there is the least or the most there is.
 * @param {SVGSVGElement} plot @param {ReturnType<typeof area>} part */
function select(plot, part) {
  const section = plot.closest('.heatmap');
  const form = section?.querySelector('[data-heatmap-form]');
  if (!section || !(form instanceof HTMLDetailsElement)) return;
  const [columns, rows] = [figure(plot, 'columns'), figure(plot, 'rows')];
  fill(section, 'from', part.left <= 0 ? '' : timeText(plot, part.left));
  fill(section, 'to', part.right >= columns ? '' : timeText(plot, part.right));
  fill(section, 'min', part.bottom >= rows - 0.5 ? '' : durationText(plot, part.bottom));
  fill(section, 'max', part.top <= 0.5 ? '' : durationText(plot, part.top));
  form.open = true;
  const button = form.querySelector('button');
  button?.focus({ preventScroll: true });
}

/** A finger scrolls: the form and the links of the steps are its ways. @param {PointerEvent} event */
function onDown(event) {
  const plot = event.button === 0 && event.pointerType !== 'touch' ? plotOf(event.target) : undefined;
  swallowClick = false;
  if (!plot) return;
  const box = plot.getBoundingClientRect();
  if (event.clientY > box.bottom || event.clientX < box.left || event.clientX > box.right) return;
  drag = { plot, from: pointOf(plot, event), at: { x: event.clientX, y: event.clientY }, drawn: false };
}

/** @param {PointerEvent} event */
function onMove(event) {
  if (!drag) return;
  const far = Math.hypot(event.clientX - drag.at.x, event.clientY - drag.at.y) >= LEAST_DRAG;
  if (!far && !drag.drawn) return;
  drag.drawn = true;
  event.preventDefault();
  draw(drag.plot, area(drag.from, pointOf(drag.plot, event)));
}

/** @param {PointerEvent} event */
function onUp(event) {
  if (!drag) return;
  const { plot, from, drawn } = drag;
  drag = undefined;
  if (!drawn) return;
  swallowClick = true;
  select(plot, area(from, pointOf(plot, event)));
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.key !== 'Escape' || !drag) return;
  draw(drag.plot, undefined);
  drag = undefined;
  event.preventDefault();
}

export function startHeatmapDrag() {
  document.addEventListener('pointerdown', onDown);
  document.addEventListener('pointermove', onMove);
  document.addEventListener('pointerup', onUp);
  document.addEventListener('keydown', onKey, { capture: true });
  // The browser would drag the link itself.
  document.addEventListener('dragstart', (event) => {
    if (plotOf(event.target)) event.preventDefault();
  });
  document.addEventListener(
    'click',
    (event) => {
      if (!swallowClick) return;
      swallowClick = false;
      if (!plotOf(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true },
  );
}
