/**
 * What a regular expression will cost to compile, read off its text: the parse of a query must not hold the
 * event loop. Measured: a character 1 to 2 us, a `\p` class 40 to 125 us, an instruction 0.5 us.
 */
import { MAX_REGEX_COST } from '../limits.ts';

/** A `\p` class, in characters. */
const CLASS_CHARS = 60;
/** Instructions cost less than characters, and come in numbers where repetitions are counted. */
const INSTRUCTIONS_PER_CHAR = 2;

const REPETITION = /\{(\d{1,4})(?:,(\d{0,4}))?\}/y;

/** In characters of plain text that would cost as much. */
export function regexCost(pattern: string): number {
  if (pattern.length > MAX_REGEX_COST) return pattern.length;
  const classes = pattern.match(/\\[pP]/g)?.length ?? 0;
  return pattern.length + classes * CLASS_CHARS + programEstimate(pattern) / INSTRUCTIONS_PER_CHAR;
}

/** Instructions, roughly: an atom is one, and `{n}` repeats what stands before it, groups too. */
function programEstimate(pattern: string): number {
  /** Instructions of each open group, and of the last atom, which a repetition would multiply. */
  const open = [0];
  let atom = 0;
  for (let at = 0; at < pattern.length; at++) {
    const size = repetitionAt(pattern, at);
    if (size !== undefined) {
      open[open.length - 1] += atom * (size.count - 1);
      atom *= size.count;
      at += size.chars - 1;
      continue;
    }
    switch (pattern[at]) {
      case '(':
        open.push(0);
        atom = 0;
        continue;
      case ')':
        atom = open.length > 1 ? (open.pop() ?? 0) + 2 : 0;
        open[open.length - 1] += atom;
        continue;
      case '[':
        at = endOfClass(pattern, at);
        break;
      case '\\':
        at++;
        break;
      default:
    }
    atom = 1;
    open[open.length - 1]++;
  }
  return open.reduce((sum, each) => sum + each, 0);
}

function repetitionAt(pattern: string, at: number): { count: number; chars: number } | undefined {
  if (pattern[at] !== '{') return undefined;
  REPETITION.lastIndex = at;
  const match = REPETITION.exec(pattern);
  if (match === null) return undefined;
  return { count: Math.max(1, Number(match[1]), Number(match[2] || 0)), chars: match[0].length };
}

/** Of the "]" that ends it; a "]" right behind the "[" or "[^" belongs to the class. */
function endOfClass(pattern: string, start: number): number {
  let at = start + (pattern[start + 1] === '^' ? 2 : 1);
  if (pattern[at] === ']') at++;
  while (at < pattern.length && pattern[at] !== ']') {
    if (pattern.startsWith('[:', at)) at = Math.max(at, pattern.indexOf(':]', at) + 1);
    at += pattern[at] === '\\' ? 2 : 1;
  }
  return at;
}
