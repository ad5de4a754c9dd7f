/** Rows of results by keyboard: j and k, or the arrow keys within a row; Enter follows the link as ever. */

/** @param {Element} from @param {number} step @returns {HTMLElement | undefined} */
function neighbour(from, step) {
  const table = from.closest('[data-result-rows]') ?? document.querySelector('[data-result-rows]');
  const rows = [...(table?.querySelectorAll('[data-row]') ?? [])];
  const own = from.closest('[data-result-rows] tr')?.querySelector('[data-row]') ?? null;
  const now = own === null ? -1 : rows.indexOf(own);
  const next = rows[Math.max(0, Math.min(rows.length - 1, now === -1 ? 0 : now + step))];
  return next instanceof HTMLElement ? next : undefined;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.defaultPrevented) return;
  const { target, key } = event;
  if (!(target instanceof Element) || target.closest('input, textarea, select, [contenteditable]')) return;
  const isArrow = key === 'ArrowDown' || key === 'ArrowUp';
  if (isArrow ? target.closest('[data-result-rows]') === null : key !== 'j' && key !== 'k') return;
  const row = neighbour(target, key === 'j' || key === 'ArrowDown' ? 1 : -1);
  if (!row) return;
  event.preventDefault();
  row.focus();
  row.closest('tr')?.scrollIntoView({ block: 'nearest' });
}

export function startRows() {
  document.addEventListener('keydown', onKey);
}
