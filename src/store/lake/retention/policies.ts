/** The retention policies of the catalog, and what they mean for a file's age. */
import type { Database } from 'bun:sqlite';
import type { FieldExpression } from '../../../traceql/ast.ts';
import { checkPolicy, parseRetentionRules, retentionText, ruleCondition } from '../../retention-rules.ts';
import { QuestionError } from '../../span-store.ts';
import type { RetentionPolicy } from '../../store-upkeep.ts';
import type { FileEntry } from '../files/file-entry.ts';

interface PolicyRow {
  readonly retention: string;
  readonly max_bytes: number | null;
}

/** A project that the catalog does not know keeps everything. Throws QuestionError for a text that is none. */
export function loadPolicy(db: Database, projectId: string): RetentionPolicy {
  const row = rowOf(db, projectId);
  if (row === null) return { rules: [], maxBytes: undefined };
  return { rules: parseRetentionRules(row.retention), maxBytes: row.max_bytes ?? undefined };
}

/** Throws QuestionError for rules that are none, and for an unknown project. */
export function savePolicy(db: Database, projectId: string, policy: RetentionPolicy): void {
  checkPolicy(policy);
  const changed = db
    .query('UPDATE projects SET retention = ?, max_bytes = ? WHERE id = ?')
    .run(retentionText(policy.rules), policy.maxBytes ?? null, projectId);
  if (changed.changes === 0) throw new QuestionError('invalid_argument', `there is no project ${projectId}`);
}

function rowOf(db: Database, projectId: string): PolicyRow | null {
  return db
    .query<PolicyRow, [string]>('SELECT retention, max_bytes FROM projects WHERE id = ?')
    .get(projectId);
}

/** Rules ready to be asked; those behind the first that finds every trace are left out. */
export interface Rules {
  /** The text that they came from: the same text means the same rules. */
  readonly text: string;
  readonly conditions: readonly (FieldExpression | null)[];
  readonly agesMs: readonly number[];
  /** As they were written, for people. */
  readonly names: readonly string[];
  readonly minAgeMs: number;
  readonly maxAgeMs: number;
  /** The last one finds every trace. */
  readonly findAll: boolean;
}

/** Undefined without rules. */
export function compileRules({ rules }: RetentionPolicy): Rules | undefined {
  if (rules.length === 0) return undefined;
  const conditions = rules.map(ruleCondition);
  const all = conditions.indexOf(null);
  const reached = rules.slice(0, all < 0 ? rules.length : all + 1);
  const agesMs = reached.map((rule) => rule.maxAgeMs);
  return {
    text: retentionText(rules),
    conditions: conditions.slice(0, reached.length),
    agesMs,
    names: reached.map((rule) => retentionText([rule])),
    minAgeMs: Math.min(...agesMs),
    maxAgeMs: Math.max(...agesMs),
    findAll: all >= 0,
  };
}

const NANOS_PER_MS = 1_000_000n;

/** A start so long before the arrival is a clock that stands wrong (at 1970, a year off), and no age. */
export const WRONG_CLOCK_MS = 300 * 24 * 3_600_000;

/**
 * From when the age of all its spans counts, Unix milliseconds: the newest start; the arrival where that start
 * can't be true. So spans that come late, or are imported, are as old as they say.
 */
export function ageFromMs(file: Pick<FileEntry, 'maxStartUnixNano' | 'createdAtMs'>): number {
  const newestMs = Number((file.maxStartUnixNano + NANOS_PER_MS - 1n) / NANOS_PER_MS);
  return file.createdAtMs - newestMs > WRONG_CLOCK_MS ? file.createdAtMs : newestMs;
}
