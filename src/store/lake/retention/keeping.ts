/** What a lake keeps and what it lets go: that half of `StoreUpkeep`, put together for `lake.ts`. */
import type { AuditEntry, PinnedTrace, RetentionPolicy, StoreUpkeep } from '../../store-upkeep.ts';
import type { LakeParts } from '../parts.ts';
import { listAudit } from './audit.ts';
import { ClockGuard } from './clock-guard.ts';
import { Deletions } from './deletion.ts';
import { Pins } from './pins.ts';
import { loadPolicy, savePolicy } from './policies.ts';
import { Retention } from './retention.ts';
import type { ScannerParts } from './files.ts';
import type { Upkeep } from '../upkeep/upkeep.ts';

/** Files come of age once an hour or day: to look costs a query of the catalog. */
const RETENTION_EVERY_MS = 15_000;

interface KeepingParts extends LakeParts, ScannerParts {
  readonly upkeep: Upkeep;
  flush(): Promise<void>;
  forgetDeliveries(projectId: string): void;
  forgetStoredDeliveries(projectId: string): void;
}

export class Keeping {
  readonly #parts: KeepingParts;
  readonly #pins: Pins;
  readonly #guard: ClockGuard;
  readonly #retention: Retention;
  readonly #deletions: Deletions;

  constructor(parts: KeepingParts) {
    this.#parts = parts;
    this.#pins = new Pins(parts);
    this.#guard = new ClockGuard(parts);
    this.#retention = new Retention({ ...parts, pins: this.#pins, guard: this.#guard });
    this.#deletions = new Deletions({
      ...parts,
      pins: this.#pins,
      flush: () => parts.flush(),
      inLane: (work) => parts.upkeep.inLane(work),
      forgetDeliveries: (projectId) => parts.forgetDeliveries(projectId),
      forgetStoredDeliveries: (projectId) => parts.forgetStoredDeliveries(projectId),
    });
    parts.upkeep.every('retention', RETENTION_EVERY_MS, async (rewrites) => {
      await this.#retention.step(rewrites);
    });
  }

  /** Why nothing goes by age, or ''. */
  get pausedReason(): string {
    return this.#guard.reason;
  }

  /** All that is due now, at once instead of by and by. */
  async enforce(): Promise<void> {
    let isDone = false;
    while (!isDone) {
      isDone = await this.#parts.upkeep.inLane((rewrites) => this.#retention.step(rewrites), 'removal');
    }
  }

  /** Ends what is under way after the file that it is at. */
  stop(): void {
    this.#retention.stop();
    this.#deletions.stop();
  }

  deleteTrace: StoreUpkeep['deleteTrace'] = (projectId, traceId, actor) =>
    this.#deletions.deleteTrace(projectId, traceId, actor);

  deleteSpans: StoreUpkeep['deleteSpans'] = (projectId, query, range, actor) =>
    this.#deletions.deleteSpans(projectId, query, range, actor);

  pinTrace(projectId: string, traceId: string, note: string, actor: string): void {
    this.#pins.pin(projectId, traceId, note, actor);
  }

  unpinTrace(projectId: string, traceId: string, actor: string): void {
    this.#pins.unpin(projectId, traceId, actor);
  }

  pinnedTraces(projectId: string): readonly PinnedTrace[] {
    return this.#pins.list(projectId);
  }

  retention(projectId: string): RetentionPolicy {
    return loadPolicy(this.#parts.catalog, projectId);
  }

  setRetention(projectId: string, policy: RetentionPolicy): void {
    savePolicy(this.#parts.catalog, projectId, policy);
  }

  audit(projectId: string, limit: number): readonly AuditEntry[] {
    return listAudit(this.#parts.catalog, projectId, limit);
  }
}
