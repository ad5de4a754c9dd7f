/** Traces that retention and deletions by query leave alone. */
import type { Database } from 'bun:sqlite';
import { QuestionError } from '../../span-store.ts';
import type { PinnedTrace } from '../../store-upkeep.ts';
import type { Clock } from '../write/clock.ts';
import { addAudit } from './audit.ts';
import { forgetChecked } from './memory.ts';

const MAX_NOTE_CHARS = 500;

/** Of a project. Each is looked up in every file that retention rewrites. */
const MAX_PINS = 10_000;

interface PinsParts {
  readonly catalog: Database;
  readonly clock: Clock;
}

/** What was planned without knowing of the pin is undone, and planned anew. */
export class PinnedMeanwhileError extends Error {
  override readonly name = 'PinnedMeanwhileError';
}

export class Pins {
  /** How often traces were pinned, by project: pins come by this process alone. */
  readonly #times = new Map<string, number>();

  constructor(private readonly parts: PinsParts) {}

  /**
   * A check for inside the transaction of a removal that was planned now: a rewrite takes up to a minute, and
   * who was told meanwhile that a trace is pinned must find it. Throws PinnedMeanwhileError.
   */
  guard(projectId: string): () => void {
    const before = this.#times.get(projectId);
    return () => {
      if (this.#times.get(projectId) !== before)
        throw new PinnedMeanwhileError('a trace was pinned meanwhile');
    };
  }

  /** A trace that is pinned already gets the new note. Throws QuestionError. */
  pin(projectId: string, traceId: string, note: string, actor: string): void {
    checkTraceId(traceId);
    if (note.length > MAX_NOTE_CHARS) {
      throw new QuestionError('invalid_argument', `a note has at most ${MAX_NOTE_CHARS} characters`);
    }
    const { catalog, clock } = this.parts;
    const at = clock.wallMs();
    catalog
      .transaction(() => {
        const others = catalog
          .query<{ count: number }, [string, string]>(
            'SELECT count(*) AS count FROM pinned_traces WHERE project_id = ? AND trace_id <> ?',
          )
          .get(projectId, traceId);
        if ((others?.count ?? 0) >= MAX_PINS) {
          throw new QuestionError('invalid_argument', `a project has at most ${MAX_PINS} pinned traces`);
        }
        catalog
          .query(
            `INSERT INTO pinned_traces (project_id, trace_id, pinned_at, note) VALUES (?, ?, ?, ?)
             ON CONFLICT (project_id, trace_id) DO UPDATE SET note = excluded.note`,
          )
          .run(projectId, traceId, at, note);
        addAudit(catalog, { at, projectId, action: 'pin', actor, detail: traceId, spans: 0, bytes: 0 });
      })
      .immediate();
    this.#times.set(projectId, (this.#times.get(projectId) ?? 0) + 1);
  }

  /** Nothing happens to a trace that is not pinned. */
  unpin(projectId: string, traceId: string, actor: string): void {
    const { catalog } = this.parts;
    catalog.transaction(() => this.unpinInside(projectId, traceId, actor)).immediate();
  }

  /** Inside a transaction of the caller. */
  unpinInside(projectId: string, traceId: string, actor: string): void {
    const { catalog, clock } = this.parts;
    const gone = catalog
      .query('DELETE FROM pinned_traces WHERE project_id = ? AND trace_id = ?')
      .run(projectId, traceId);
    if (gone.changes === 0) return;
    forgetChecked(catalog, projectId);
    addAudit(catalog, {
      at: clock.wallMs(),
      projectId,
      action: 'unpin',
      actor,
      detail: traceId,
      spans: 0,
      bytes: 0,
    });
  }

  /** Newest first. */
  list(projectId: string): PinnedTrace[] {
    return this.parts.catalog
      .query<PinnedTrace, [string]>(
        `SELECT trace_id AS traceId, pinned_at AS pinnedAt, note FROM pinned_traces
         WHERE project_id = ? ORDER BY pinned_at DESC, trace_id`,
      )
      .all(projectId);
  }

  /** 16 bytes each. */
  ids(projectId: string): Uint8Array {
    const hex = this.list(projectId).map(({ traceId }) => traceId);
    return new Uint8Array(Buffer.from(hex.join(''), 'hex'));
  }
}

export function checkTraceId(traceId: string): void {
  if (!/^[0-9a-f]{32}$/.test(traceId)) {
    throw new QuestionError('invalid_argument', 'a trace id has 32 lower-case hex digits');
  }
}
