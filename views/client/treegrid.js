/** Keyboard and selection in a waterfall: one row at a time can be reached by Tab, arrows go from row to row. */

/** @param {Element} row */
function level(row) {
  return Number(row.getAttribute('aria-level'));
}

/** @param {EventTarget | null} target */
function rowOf(target) {
  const row = target instanceof Element ? target.closest('[data-treegrid] [role="row"][aria-level]') : null;
  return row instanceof HTMLElement ? row : null;
}

/** @param {Element} row */
function rowsAround(row) {
  return /** @type {HTMLElement[]} */ ([
    ...(row.parentElement?.querySelectorAll('[role="row"][aria-level]') ?? []),
  ]);
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

/** @param {HTMLElement} row @param {string} selector */
function press(row, selector) {
  const link = row.querySelector(selector);
  if (link instanceof HTMLElement) link.click();
}

/** The row that a key leads to, or 'toggle' or 'open' for what it does to this one.
 * @param {HTMLElement} row @param {string} key
 * @returns {HTMLElement | 'toggle' | 'open' | undefined} */
function reaction(row, key) {
  const rows = rowsAround(row);
  const at = rows.indexOf(row);
  const expanded = row.getAttribute('aria-expanded');
  switch (key) {
    case 'ArrowDown':
      return rows[at + 1];
    case 'ArrowUp':
      return rows[at - 1];
    case 'Home':
      return rows[0];
    case 'End':
      return rows.at(-1);
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
function onKey(event) {
  const row = rowOf(event.target);
  if (!row || event.target !== row || !KEYS.has(event.key)) return;
  event.preventDefault();
  const found = reaction(row, event.key);
  if (found === 'toggle') press(row, '[data-toggle]');
  else if (found === 'open') press(row, '[data-open]');
  else focusRow(found);
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

/** The rows were swapped, and the focused one with them: give the focus back. @type {string} */
let focusedId = '';

export function startTreegrids() {
  document.addEventListener('keydown', onKey);
  document.addEventListener('click', onClick);
  document.addEventListener('htmx:before:swap', () => {
    focusedId = rowOf(document.activeElement)?.id ?? '';
  });
  document.addEventListener('htmx:after:swap', () => {
    const row = focusedId === '' ? null : document.getElementById(focusedId);
    if (row && document.activeElement === document.body) focusRow(row);
  });
  document.addEventListener('htmx:after:history:push', markSelected);
}
