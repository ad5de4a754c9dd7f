/** Keyboard and selection in a waterfall: one row at a time can be reached by Tab, arrows go from row to row. */
import { htmxOf, rowAt, rowCount, withParams } from './waterfall-scroll.js';

/** @param {Element} row */
function level(row) {
  return Number(row.getAttribute('aria-level'));
}

/** @param {Element} row */
function placeOf(row) {
  return Number(row.getAttribute('aria-rowindex')) - 2;
}

/** @param {EventTarget | null} target */
function rowOf(target) {
  const row = target instanceof Element ? target.closest('[data-treegrid] [role="row"][aria-level]') : null;
  return row instanceof HTMLElement ? row : null;
}

/** @param {Element} row */
function rowsAround(row) {
  const grid = row.closest('[data-treegrid]');
  return /** @type {HTMLElement[]} */ ([...(grid?.querySelectorAll('[role="row"][aria-level]') ?? [])]);
}

/** @param {HTMLElement | undefined} row */
function focusRow(row) {
  if (!row) return;
  for (const other of rowsAround(row)) {
    if (other.tabIndex === 0) other.tabIndex = -1;
  }
  row.tabIndex = 0;
  row.focus();
}

/** @param {Element} within @param {string} selector */
function press(within, selector) {
  const link = within.querySelector(selector);
  if (link instanceof HTMLElement) link.click();
}

/** The row that a key leads to, or its place where it is not in the page; 'toggle' or 'open' for what it does here.
 * @param {HTMLElement} row @param {string} key
 * @returns {HTMLElement | 'toggle' | 'open' | number | undefined} */
function reaction(row, key) {
  const rows = rowsAround(row);
  const at = rows.indexOf(row);
  const expanded = row.getAttribute('aria-expanded');
  switch (key) {
    case 'ArrowDown':
      return rows[at + 1] ?? placeOf(row) + 1;
    case 'ArrowUp':
      return rows[at - 1] ?? placeOf(row) - 1;
    case 'Home':
      return rowCount() > 0 ? 0 : rows[0];
    case 'End':
      return rowCount() > 0 ? rowCount() - 1 : rows.at(-1);
    case 'ArrowRight':
      return expanded === 'false' ? 'toggle' : expanded === 'true' ? rows[at + 1] : undefined;
    case 'ArrowLeft':
      return expanded === 'true'
        ? 'toggle'
        : rows.slice(0, at).findLast((other) => level(other) < level(row));
    case 'Enter':
      return 'open';
    default:
      return undefined;
  }
}

const KEYS = new Set(['ArrowDown', 'ArrowUp', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'Enter']);

/** @param {KeyboardEvent} event */
function onRowKey(event) {
  const row = rowOf(event.target);
  if (!row || event.target !== row || !KEYS.has(event.key)) return false;
  event.preventDefault();
  const found = reaction(row, event.key);
  if (found === 'toggle') press(row, '[data-toggle]');
  else if (found === 'open') press(row, '[data-open]');
  else if (typeof found === 'number') void rowAt(found).then(focusRow);
  else focusRow(found);
  return true;
}

/** Keys that are links of the page: n, N, [, ], +, -, 0. @param {KeyboardEvent} event */
function onPageKey(event) {
  const waterfall = document.getElementById('waterfall');
  if (!waterfall || (event.target instanceof Element && event.target.closest('input, textarea, select')))
    return;
  if (event.key === 'f') {
    event.preventDefault();
    const find = document.getElementById('find');
    if (find instanceof HTMLInputElement) find.select();
  } else if (event.key === 'x') {
    zoomToRow(waterfall);
  } else {
    const key = event.key === '=' ? '+' : event.key;
    press(waterfall, `[data-key="${CSS.escape(key)}"]`);
  }
}

/** The focused span, else the open one, fills the width. @param {Element} waterfall */
function zoomToRow(waterfall) {
  const row = rowOf(document.activeElement) ?? waterfall.querySelector('[aria-selected="true"]');
  const grid = waterfall.querySelector('[data-treegrid]');
  const span = row?.getAttribute('data-span');
  if (!span || !(grid instanceof HTMLElement)) return;
  const place = row ? Math.max(0, placeOf(row)) : 0;
  const url = withParams(grid.dataset.href ?? '', `zoom=${span}&row=${place}`);
  void htmxOf().ajax('GET', url, { source: '#waterfall', target: '#waterfall', swap: 'outerHTML' });
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (!onRowKey(event)) onPageKey(event);
}

/** A click anywhere on a row opens it. @param {MouseEvent} event */
function onClick(event) {
  const row = rowOf(event.target);
  if (!row || !(event.target instanceof Element) || event.target.closest('[data-toggle]')) return;
  focusRow(row);
  if (!event.target.closest('a')) press(row, '[data-open]');
}

/** The panel was swapped alone: mark the row that it belongs to. */
function markSelected() {
  const open = new URL(location.href).searchParams.get('span') ?? '';
  for (const row of document.querySelectorAll('[data-treegrid] [data-span]')) {
    row.setAttribute('aria-selected', row.getAttribute('data-span') === open ? 'true' : 'false');
  }
}

/** What was swapped may have had the focus. @type {string} */
let focusedId = '';

/** What had the focus has it again; after a step the row that was stepped to. One row stays within reach of Tab. */
function onSwapped() {
  const lost = document.activeElement === document.body || document.activeElement === null;
  const before = focusedId === '' ? null : document.getElementById(focusedId);
  const row = before && rowOf(before);
  if (lost && row) focusRow(row);
  else if (lost && before) before.focus({ preventScroll: true });
  else if (lost && focusedId.startsWith('row-')) {
    const open = document.querySelector('[data-treegrid] [aria-selected="true"]');
    if (open instanceof HTMLElement) focusRow(open);
  }
  const grid = document.querySelector('[data-treegrid]');
  const first = grid?.querySelector('[role="row"][aria-level]');
  if (first instanceof HTMLElement && !grid?.querySelector('[role="row"][tabindex="0"]')) first.tabIndex = 0;
}

export function startTreegrids() {
  document.addEventListener('keydown', onKey);
  document.addEventListener('click', onClick);
  document.addEventListener('htmx:before:swap', () => {
    const active = document.activeElement;
    if (active?.closest('#waterfall')) focusedId = active.id;
  });
  document.addEventListener('htmx:after:swap', onSwapped);
  document.addEventListener('htmx:after:history:push', markSelected);
}
