/**
 * SQL as lines that one can read. Only the white space between words changes: put together again without it, the
 * words are those of the original. What is no SQL comes out as it was, on one line more or less.
 */

export type SqlKind = 'keyword' | 'string' | 'number' | 'comment' | 'space' | 'other';

export interface SqlToken {
  readonly kind: SqlKind;
  readonly text: string;
}

/** Quoted texts and names with doubled quotes, dollar quotes, comments, numbers, words, white space, anything else. */
const TOKEN =
  /'(?:[^'\\]|''|\\[\s\S])*'?|"(?:[^"]|"")*"?|`[^`]*`?|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\d+(?:\.\d+)?(?:e[+-]?\d+)?|[\p{L}_@:$][\p{L}\p{N}_$]*|\s+|[\s\S]/giuy;

const KEYWORDS = new Set(
  (
    'select from where and or not in is null like ilike between exists case when then else end as on using join left ' +
    'right inner outer full cross natural lateral group order by having limit offset fetch union all distinct ' +
    'intersect except insert into values update set delete returning with recursive create alter drop table index ' +
    'view begin commit rollback truncate merge conflict do nothing asc desc nulls first last over partition window ' +
    'for share skip locked explain analyze primary key references default cast interval true false'
  ).split(' '),
);

/** Each begins a line. */
const CLAUSES = new Set(
  (
    'select from where group order having limit offset fetch union intersect except insert values update set delete ' +
    'returning with join left right inner full cross on window'
  ).split(' '),
);

/** Words that go on with the clause before them: `left outer join`, `insert into`, `order by`, `union all`. */
const GOES_ON: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['join', new Set(['left', 'right', 'inner', 'full', 'cross', 'outer', 'natural', 'lateral'])],
  ['select', new Set(['all', 'distinct'])],
  ['from', new Set(['delete'])],
  ['set', new Set(['update', 'do'])],
  ['update', new Set(['for', 'do', 'key'])],
  ['left', new Set(['natural'])],
  ['right', new Set(['natural'])],
  ['inner', new Set(['natural'])],
  ['on', new Set(['distinct'])],
]);

export function sqlTokens(text: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  for (const match of text.matchAll(TOKEN)) tokens.push({ kind: kindOf(match[0]), text: match[0] });
  return tokens;
}

function kindOf(text: string): SqlKind {
  const first = text[0];
  if (/\s/.test(first)) return 'space';
  if (first === "'" || (first === '$' && text.length > 1 && text.endsWith('$'))) return 'string';
  if (text.startsWith('--') || text.startsWith('/*')) return 'comment';
  if (/\d/.test(first)) return 'number';
  return KEYWORDS.has(text.toLowerCase()) ? 'keyword' : 'other';
}

/** True for a text that begins like a statement. */
export function looksLikeSql(text: string): boolean {
  return /^\s*(?:\/\*[\s\S]*?\*\/\s*)?(?:select|insert|update|delete|with|merge|explain)\s/i.test(text);
}

/** One line stays one where it is short. */
const SHORT = 60;

/** The tokens with white space of one's own: a clause a line, indented within parentheses. */
export function layOutSql(text: string): SqlToken[] {
  const tokens = sqlTokens(text.trim());
  if (text.trim().length <= SHORT && !text.includes('\n')) return tokens;
  const out: SqlToken[] = [];
  /** For each open parenthesis, whether a statement stands in it. */
  const open: boolean[] = [];
  let before = '';
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token.kind === 'space') {
      out.push({ kind: 'space', text: spaceBefore(tokens[i + 1], before, tokens[i - 1], token, open) });
      continue;
    }
    if (token.text === '(') open.push(isStatement(tokens, i + 1));
    if (token.text === ')') open.pop();
    out.push(token);
    before = token.text.toLowerCase();
  }
  return out;
}

function isStatement(tokens: readonly SqlToken[], at: number): boolean {
  const next = tokens[at]?.kind === 'space' ? tokens[at + 1] : tokens[at];
  return /^(select|with)$/i.test(next?.text ?? '');
}

function spaceBefore(
  next: SqlToken | undefined,
  before: string,
  previous: SqlToken | undefined,
  space: SqlToken,
  open: readonly boolean[],
): string {
  const levels = open.filter(Boolean).length;
  const line = `\n${'  '.repeat(levels)}`;
  // What follows a line's comment would become a part of it.
  if (previous?.kind === 'comment' && space.text.includes('\n')) return line;
  const word = next?.text.toLowerCase() ?? '';
  const inStatement = open.length === 0 || open[open.length - 1];
  if (next?.kind !== 'keyword' || !inStatement) return ' ';
  if (CLAUSES.has(word)) return GOES_ON.get(word)?.has(before) ? ' ' : line;
  return (word === 'and' || word === 'or') && before !== 'between' ? `${line}  ` : ' ';
}
