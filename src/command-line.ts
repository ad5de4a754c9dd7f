/**
 * Flags and positionals of one command. A table of flags drives parsing, the environment's names and the
 * help text, so that the three can't part. Pure: arguments and environment are passed in.
 */

/** What the user typed can't be meant: exit 2, with the message and a pointer to `--help`. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Flag<T> {
  /** What stands for the value in the help, as `DIR`; a flag without it is a switch. */
  readonly placeholder?: string;
  readonly help: string;
  /** Value when neither argument nor environment gives one; left out: the flag must be given. */
  readonly fallback?: string;
  /** True for flags that have no `SPANLAKE_*` variable, because they say what to do, not how to run. */
  readonly argumentOnly?: boolean;
  /** Throws an Error whose message completes `--flag VALUE: ...`. */
  readonly parse: (text: string) => T;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** `grpcListen` -> `--grpc-listen`. */
function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `grpcListen` -> `SPANLAKE_GRPC_LISTEN`. */
export function variableName(key: string): string {
  return `SPANLAKE${flagName(key).slice(1).replaceAll('-', '_').toUpperCase()}`;
}

/** A switch: absent, `--x`, `--x=false`, `SPANLAKE_X=1`. */
export function switchFlag(help: string): Flag<boolean> {
  return { help, fallback: 'false', parse: parseBoolean };
}

function parseBoolean(text: string): boolean {
  if (['true', '1', 'yes', 'on'].includes(text.toLowerCase())) return true;
  if (['false', '0', 'no', 'off', ''].includes(text.toLowerCase())) return false;
  throw new Error('is true or false');
}

interface Words {
  readonly given: ReadonlyMap<string, string>;
  readonly positionals: readonly string[];
}

function splitWords(flags: Flags, words: readonly string[]): Words {
  const keys = new Map(Object.keys(flags).map((key) => [flagName(key), key]));
  const given = new Map<string, string>();
  const positionals: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === '--') {
      positionals.push(...words.slice(at + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const key = keys.get(name);
    if (key === undefined) throw new UsageError(`unknown flag ${name}${suggestion(name, [...keys.keys()])}`);
    if (equals >= 0) given.set(key, word.slice(equals + 1));
    else if (flags[key].placeholder === undefined) given.set(key, 'true');
    else if (at + 1 < words.length && !words[at + 1].startsWith('--')) given.set(key, words[++at]);
    else throw new UsageError(`${name} needs a value: ${name} ${flags[key].placeholder}`);
  }
  return { given, positionals };
}

export interface Parsed<F extends Flags> {
  readonly values: FlagValues<F>;
  readonly positionals: readonly string[];
}

/** Arguments win over the environment, the environment over the fallback. */
export function parseFlags<F extends Flags>(flags: F, words: readonly string[], env: Environment): Parsed<F> {
  const { given, positionals } = splitWords(flags, words);
  const values = new Map<string, unknown>();
  for (const [key, flag] of Object.entries(flags)) {
    const fromArgument = given.get(key);
    const fromEnvironment = flag.argumentOnly === true ? undefined : env[variableName(key)];
    const text = fromArgument ?? fromEnvironment ?? flag.fallback;
    if (text === undefined) throw new UsageError(`${flagName(key)} ${flag.placeholder ?? ''} is needed`);
    try {
      values.set(key, flag.parse(text));
    } catch (error) {
      const source = fromArgument === undefined ? variableName(key) : flagName(key);
      throw new UsageError(`${source} "${text}": ${error instanceof Error ? error.message : 'is wrong'}`);
    }
  }
  // The loop above set every key of F from that key's own parser.
  return { values: Object.freeze(Object.fromEntries(values)) as FlagValues<F>, positionals };
}

/** `; did you mean X?` when one of the names is a slip of the fingers away, else ''. */
export function suggestion(typed: string, names: readonly string[]): string {
  const near = names
    .map((name) => ({ name, distance: editDistance(typed, name) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
    .toSorted((a, b) => a.distance - b.distance)[0];
  return near === undefined ? '' : `; did you mean ${near.name}?`;
}

/** Levenshtein's: single-character insertions, deletions and replacements. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j] + 1, current[j - 1] + 1, replaced));
    }
    previous = current;
  }
  return previous[b.length];
}

/** The lines of a help text that describe the flags. */
export function describeFlags(flags: Flags): string {
  const rows = Object.entries(flags).map(([key, flag]) => {
    const notes: string[] = [];
    if (flag.placeholder !== undefined && flag.fallback !== undefined && flag.fallback !== '') {
      notes.push(`default ${flag.fallback}`);
    }
    if (flag.argumentOnly !== true) notes.push(variableName(key));
    const note = notes.length > 0 ? ` [${notes.join(', ')}]` : '';
    return { head: `${flagName(key)} ${flag.placeholder ?? ''}`.trimEnd(), text: flag.help + note };
  });
  const width = Math.max(...rows.map(({ head }) => head.length), 0);
  return rows.map(({ head, text }) => `  ${head.padEnd(width)}  ${text}\n`).join('');
}
