/**
 * A long waterfall as one scroll: pieces of its rows are fetched where one is, and taken out where one no longer is.
 * Empty boxes above and below keep the height of all rows.
 */

const ROW_PX = 28;
/** Pieces beyond those fetched around the screen that are kept, on each side. */
const KEPT = 2;
/** Who drags the scrollbar passes many pieces: only where it rests are they fetched. */
const REST_MS = 40;
const ADDRESS_MS = 400;

/** @typedef {{ grid: HTMLElement, rows: number, chunkRows: number, href: string, above: HTMLElement, below: HTMLElement }} Scroller */

/** @type {Scroller | undefined} */
let scroller;
/** @type {Map<number, Promise<unknown>>} */
const pending = new Map();
let restTimer = 0;
let addressTimer = 0;
let frame = 0;

/** @typedef {{ ajax(verb: string, url: string, options: object): Promise<unknown> }} Htmx */

/** @returns {Htmx} */
export function htmxOf() {
  return /** @type {Htmx} */ (Reflect.get(window, 'htmx'));
}

/** @param {string} href @param {string} params */
export function withParams(href, params) {
  return `${href}${href.includes('?') ? '&' : '?'}${params}`;
}

/** @param {Scroller} of @returns {HTMLElement[]} */
function chunks({ grid }) {
  return [...grid.querySelectorAll('.wf-chunk')].filter((chunk) => chunk instanceof HTMLElement);
}

/** @param {HTMLElement} chunk */
function numberOf(chunk) {
  return Number(chunk.dataset.chunk);
}

/** @param {Scroller} of @param {number} chunk */
function rowsIn({ rows, chunkRows }, chunk) {
  return Math.max(0, Math.min(chunkRows, rows - chunk * chunkRows));
}

/** The lower edge of what sticks to the top. @param {Scroller} of */
function topEdge({ grid }) {
  return Math.max(0, grid.querySelector('.wf-head')?.getBoundingClientRect().bottom ?? 0);
}

/** Rows on the screen. @param {Scroller} of */
function visibleRows(of) {
  const top = of.above.getBoundingClientRect().top;
  const first = Math.floor((topEdge(of) - top) / ROW_PX);
  const last = Math.ceil((innerHeight - top) / ROW_PX);
  const within = (/** @type {number} */ row) => Math.min(Math.max(row, 0), of.rows - 1);
  return { first: within(first), last: within(last) };
}

/** Heights of the boxes. @param {Scroller} of */
function setHeights(of) {
  const all = chunks(of);
  const first = all[0] ? numberOf(all[0]) : 0;
  const end = Math.min(of.rows, ((all.at(-1) ? numberOf(all[all.length - 1]) : -1) + 1) * of.chunkRows);
  of.above.style.height = `${first * of.chunkRows * ROW_PX}px`;
  of.below.style.height = `${(of.rows - end) * ROW_PX}px`;
}

/** Pieces around the screen are in the page, if only as empty boxes; those far from it are not. */
function update() {
  frame = 0;
  const of = scroller;
  if (!of?.grid.isConnected) return;
  const { first, last } = visibleRows(of);
  const lastChunk = Math.floor((of.rows - 1) / of.chunkRows);
  const from = Math.max(0, Math.floor(first / of.chunkRows) - 1);
  const to = Math.min(lastChunk, Math.floor(last / of.chunkRows) + 1);
  for (const chunk of chunks(of)) {
    const number = numberOf(chunk);
    const isFar = number < from - KEPT || number > to + KEPT;
    if (!isFar) continue;
    // Whoever has the focus in it goes on from the grid.
    if (chunk.contains(document.activeElement)) of.grid.focus({ preventScroll: true });
    chunk.remove();
  }
  const left = chunks(of).map(numberOf);
  const [begin, end] = [Math.min(from, ...left), Math.max(to, ...left)];
  const there = new Set(left);
  for (let chunk = begin; chunk <= end; chunk++) if (!there.has(chunk)) addBox(of, chunk);
  setHeights(of);
  clearTimeout(restTimer);
  restTimer = window.setTimeout(fetchBoxes, REST_MS);
}

/** @param {Scroller} of @param {number} chunk */
function addBox(of, chunk) {
  const box = document.createElement('div');
  box.className = 'wf-chunk is-pending';
  box.id = `wf-chunk-${chunk}`;
  box.dataset.chunk = String(chunk);
  box.setAttribute('role', 'rowgroup');
  box.style.height = `${rowsIn(of, chunk) * ROW_PX}px`;
  const next = chunks(of).find((other) => numberOf(other) > chunk);
  of.grid.insertBefore(box, next ?? of.below);
}

function fetchBoxes() {
  const of = scroller;
  if (!of?.grid.isConnected) return;
  for (const box of chunks(of)) if (box.classList.contains('is-pending')) void fetchBox(of, box);
}

/** @param {Scroller} of @param {HTMLElement} box */
function fetchBox(of, box) {
  const chunk = numberOf(box);
  const asked = box.dataset.asked === '' ? pending.get(chunk) : undefined;
  if (asked) return asked;
  box.dataset.asked = '';
  const url = withParams(of.href, `row=${chunk * of.chunkRows}`);
  const answer = htmxOf()
    .ajax('GET', url, { target: box, source: box, swap: 'outerHTML' })
    .finally(() => pending.delete(chunk));
  pending.set(chunk, answer);
  return answer;
}

function onScroll() {
  if (!scroller) return;
  if (frame === 0) frame = requestAnimationFrame(update);
  clearTimeout(addressTimer);
  addressTimer = window.setTimeout(tellAddress, ADDRESS_MS);
}

/** So that a reload, Back or a shared link comes to the same rows. */
function tellAddress() {
  if (!scroller?.grid.isConnected) return;
  const { first } = visibleRows(scroller);
  const url = new URL(location.href);
  const row = String(first);
  if ((url.searchParams.get('row') ?? '0') === row) return;
  if (first === 0) url.searchParams.delete('row');
  else url.searchParams.set('row', row);
  history.replaceState(history.state, '', url);
}

/** @param {number} index */
function rowElement(index) {
  const row = scroller?.grid.querySelector(`[aria-rowindex="${index + 2}"]`);
  return row instanceof HTMLElement ? row : undefined;
}

/** @param {Scroller} of @param {number} index */
function scrollToRow(of, index) {
  const top = of.above.getBoundingClientRect().top + scrollY + index * ROW_PX;
  scrollTo({ top: Math.max(0, top - topEdge(of) - ROW_PX), behavior: 'instant' });
}

/** The row at a place of all, fetched if need be. Undefined when there is none.
 * @param {number} index @returns {Promise<HTMLElement | undefined>} */
export async function rowAt(index) {
  const of = scroller;
  if (!of || index < 0 || index >= of.rows) return undefined;
  const there = rowElement(index);
  if (there) return there;
  scrollToRow(of, index);
  update();
  const box = document.getElementById(`wf-chunk-${Math.floor(index / of.chunkRows)}`);
  if (box?.classList.contains('is-pending')) await fetchBox(of, box);
  return rowElement(index);
}

/** @returns {number} how many rows there are in all, 0 where all are in the page */
export function rowCount() {
  return scroller?.grid.isConnected ? scroller.rows : 0;
}

/** A grid that came with the page or with a swap. @param {boolean} isNewPage */
function adopt(isNewPage) {
  const grid = document.querySelector('[data-treegrid][data-rows]');
  if (!(grid instanceof HTMLElement) || grid === scroller?.grid) return;
  scroller = undefined;
  const rows = Number(grid.dataset.rows);
  if (rows > grid.querySelectorAll('.wf-row').length) {
    const above = document.createElement('div');
    const below = document.createElement('div');
    for (const box of [above, below]) box.className = 'wf-space';
    grid.querySelector('.wf-headgroup')?.after(above);
    grid.append(below);
    grid.tabIndex = -1;
    scroller = {
      grid,
      rows,
      chunkRows: Number(grid.dataset.chunkRows),
      href: grid.dataset.href ?? '',
      above,
      below,
    };
    setHeights(scroller);
    const row = Number(grid.dataset.row);
    if (isNewPage && row > 0) scrollToRow(scroller, row);
  }
  if (isNewPage) showSelected(grid);
}

/** The open span is on the screen. @param {Element} grid */
function showSelected(grid) {
  const row = grid.querySelector('[aria-selected="true"]');
  const edges = row?.getBoundingClientRect();
  const isVisible = edges && edges.top > 80 && edges.bottom < innerHeight;
  if (row && !isVisible) row.scrollIntoView({ block: 'center', behavior: 'instant' });
}

export function startWaterfallScroll() {
  let scrolled = 0;
  addEventListener('scroll', onScroll, { passive: true });
  addEventListener('resize', onScroll, { passive: true });
  document.addEventListener('htmx:before:swap', () => {
    scrolled = scrollY;
  });
  document.addEventListener('htmx:after:swap', (event) => {
    const before = scroller?.grid;
    const target = event instanceof CustomEvent ? event.detail?.ctx?.target : undefined;
    const isStep = target instanceof Element && target.id !== 'waterfall';
    adopt(false);
    const grid = document.querySelector('[data-treegrid][data-rows]');
    if (scroller && scroller.grid !== before && !isStep) scrollTo({ top: scrolled, behavior: 'instant' });
    if (grid && isStep && target.id === 'trace-body') showSelected(grid);
    onScroll();
  });
  adopt(true);
  onScroll();
}
