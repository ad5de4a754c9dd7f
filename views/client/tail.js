/** A live tail keeps its newest rows alone: a page of a busy hour would hold a million. */

/** @param {HTMLTableElement} table */
function trim(table) {
  const most = Number(table.dataset.mostRows);
  const body = table.tBodies[0];
  if (!body) return;
  const focused = document.activeElement?.closest('tr');
  for (let i = body.rows.length - 1; i >= most && i >= 0; i--) {
    // Who stands in a row with the keyboard is not thrown out of it.
    if (body.rows[i] !== focused) body.rows[i].remove();
  }
}

export function startTail() {
  const table = document.querySelector('[data-most-rows]');
  if (!(table instanceof HTMLTableElement)) return;
  new MutationObserver(() => trim(table)).observe(table, { childList: true, subtree: true });
}
