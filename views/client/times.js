/**
 * Times in UTC, as the server writes them, or in this browser's zone. The markup says what may be rewritten:
 * `<time datetime>` and `data-time` hold the moment, whose text and title are spelled anew; `data-times` marks
 * a text that begins with a whole stamp; `data-zone` the name of the zone. All else is data and stays.
 */

const YEAR_SECONDS = 31_536_000;
const MARKED = 'time[datetime], [data-time], [data-times], [data-zone]';
/** Only where a text begins: what comes after may be data. */
const STAMP = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?( UTC)?/;

/** What stood there from the server and what was put instead: a morph may have brought a new text since.
 * @type {WeakMap<Element, Map<string, { utc: string, put: string }>>} */
const written = new WeakMap();

/** @returns {boolean} */
function isLocal() {
  return /(?:^|;\s*)zone=local(?:;|$)/.test(document.cookie);
}

/** `UTC`, `UTC+2`, `UTC−3:30`, as of a moment. @param {Date} date */
export function zoneName(date) {
  const minutes = -date.getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const distance = Math.abs(minutes);
  const rest = distance % 60 === 0 ? '' : `:${String(distance % 60).padStart(2, '0')}`;
  return `UTC${minutes < 0 ? '−' : '+'}${Math.floor(distance / 60)}${rest}`;
}

/** @param {number} number */
function two(number) {
  return String(number).padStart(2, '0');
}

/** @param {Date} date */
function localDate(date) {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** @param {Date} date */
function localClock(date) {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A text about one moment: its date, its clock to the same place, its zone; fractions stay, zones differ in
 * whole minutes. `clockOnly` texts get the day in front where it is not today's.
 * @param {string} text @param {Date} date @param {boolean} clockOnly */
export function inZone(text, date, clockOnly) {
  const clock = localClock(date);
  const spelled = text
    .replace(/\d{4}-\d\d-\d\d/, localDate(date))
    .replace(/^\d\d-\d\d$/, localDate(date).slice(5))
    .replace(/\d\d:\d\d(:\d\d)?/, (found) => clock.slice(0, found.length))
    .replace(/\bUTC\b/, zoneName(date));
  const isToday = localDate(date) === localDate(new Date());
  return clockOnly && !isToday ? `${localDate(date).slice(5)} ${spelled}` : spelled;
}

/** @param {string} text */
export function stampInZone(text) {
  return text.replace(STAMP, (_, day, clock, fraction = '', zone = '') => {
    const date = new Date(`${day}T${clock}Z`);
    return `${localDate(date)} ${localClock(date)}${fraction}${zone && ` ${zoneName(date)}`}`;
  });
}

/** @param {Element} element @param {string} place @param {string} now @param {string} local @param {boolean} toLocal
 * @returns {string} what shall stand there */
function chosen(element, place, now, local, toLocal) {
  const places = written.get(element) ?? new Map();
  written.set(element, places);
  if (!toLocal) return places.get(place)?.put === now ? places.get(place).utc : now;
  if (places.get(place)?.put === now) return now;
  places.set(place, { utc: now, put: local });
  return local;
}

/** @param {Element} element @param {boolean} toLocal */
function rewrite(element, toLocal) {
  const stamp = element.getAttribute('datetime') ?? element.getAttribute('data-time');
  const date = stamp === null ? undefined : new Date(stamp);
  if (date !== undefined && Number.isNaN(date.getTime())) return;
  /** @param {string} text @param {boolean} clockOnly */
  const spell = (text, clockOnly) => {
    if (element.hasAttribute('data-zone')) return zoneName(new Date());
    if (date === undefined) return stampInZone(text);
    // A tick at UTC's midnight is named by its day, and is an hour like any other elsewhere.
    if (element.getAttribute('data-time-as') === 'clock' && !/:/.test(text))
      return localClock(date).slice(0, 5);
    return inZone(text, date, clockOnly);
  };
  const text = element.textContent ?? '';
  if (element.childElementCount === 0) {
    const next = chosen(element, 'text', text, spell(text, element.hasAttribute('data-today')), toLocal);
    if (next !== text) element.textContent = next;
  }
  const title = element.getAttribute('title');
  if (title === null || element.hasAttribute('data-zone')) return;
  const next = chosen(element, 'title', title, spell(title, false), toLocal);
  if (next !== title) element.setAttribute('title', next);
}

function rewriteAll() {
  const toLocal = isLocal();
  for (const element of document.querySelectorAll(MARKED)) rewrite(element, toLocal);
  const now = zoneName(new Date());
  for (const button of document.querySelectorAll('[data-action="zone"]')) {
    button.textContent = toLocal ? (now === 'UTC' ? 'Local' : now) : 'UTC';
    const title = toLocal
      ? `Times are in this browser’s zone, ${now}; switch to UTC`
      : `Times are in UTC; switch to this browser’s zone, ${now}`;
    button.setAttribute('title', title);
  }
}

/** @returns {string} what was chosen, to be said */
export function switchZone() {
  const next = isLocal() ? 'utc' : 'local';
  document.cookie = `zone=${next}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  rewriteAll();
  return next === 'utc' ? 'Times in UTC' : `Times in ${zoneName(new Date())}, this browser’s zone`;
}

export function startTimes() {
  rewriteAll();
  document.addEventListener('htmx:after:swap', rewriteAll);
}
