/** Narrows rows as one types: a field `[data-filter]` within `[data-filter-scope]`, over its `[data-filter-row]`. */

/** @param {HTMLInputElement} field */
function filter(field) {
  const scope = field.closest('[data-filter-scope]');
  if (scope === null) return;
  const wanted = field.value.trim().toLowerCase();
  const rows = scope.querySelectorAll('[data-filter-row]');
  let shown = 0;
  for (const row of rows) {
    const matches = wanted === '' || (row.textContent ?? '').toLowerCase().includes(wanted);
    row.toggleAttribute('hidden', !matches);
    if (matches) shown++;
  }
  const count = scope.querySelector('[data-filter-count]');
  if (count) count.textContent = wanted === '' ? '' : `${shown} of ${rows.length}`;
}

export function startFilters() {
  document.addEventListener('input', (event) => {
    if (event.target instanceof HTMLInputElement && event.target.matches('[data-filter]')) {
      filter(event.target);
    }
  });
}
