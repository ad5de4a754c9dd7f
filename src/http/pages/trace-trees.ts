/** Traces as trees, ready for the pages. A page asks the store anew; its fragments take what the page showed. */
import { setImmediate } from 'node:timers/promises';
import { KEPT_TREES_MS, KEPT_TREES_SPANS } from '../../limits.ts';
import type { Coverage, SpanStore } from '../../store/span-store.ts';
import { buildTreeInSteps } from '../../trace/tree.ts';
import type { TraceTree } from '../../trace/tree.ts';

export interface BuiltTrace {
  readonly tree: TraceTree;
  readonly coverage: Coverage;
}

interface Kept extends BuiltTrace {
  readonly timer: NodeJS.Timeout;
}

export class TraceTrees {
  readonly #store: SpanStore;
  /** By project and trace, the one asked for last at the end. */
  readonly #kept = new Map<string, Kept>();

  constructor(store: SpanStore) {
    this.#store = store;
  }

  /** As the store knows it now. Without spans when the trace is unknown. */
  async newest(projectId: string, traceId: string, signal?: AbortSignal): Promise<BuiltTrace> {
    const { spans, complete, scanned, tookMs } = await this.#store.trace(projectId, traceId, { signal });
    const tree = await buildTreeInSteps(spans, () => setImmediate());
    const built = { tree, coverage: { complete, scanned, tookMs } };
    this.#keep(`${projectId}/${traceId}`, built);
    return built;
  }

  /** As it was shown some moments ago, if that has the span that is asked for. */
  async shown(projectId: string, traceId: string, spanId: string, signal?: AbortSignal): Promise<BuiltTrace> {
    const kept = this.#kept.get(`${projectId}/${traceId}`);
    const has = kept !== undefined && (spanId === '' || kept.tree.byId.has(spanId));
    return has ? kept : this.newest(projectId, traceId, signal);
  }

  #keep(key: string, built: BuiltTrace): void {
    this.#drop(key);
    const timer = setTimeout(() => this.#drop(key), KEPT_TREES_MS).unref();
    this.#kept.set(key, { ...built, timer });
    let spans = 0;
    for (const [other, { tree }] of [...this.#kept].toReversed()) {
      spans += tree.nodes.length;
      if (spans > KEPT_TREES_SPANS) this.#drop(other);
    }
  }

  #drop(key: string): void {
    clearTimeout(this.#kept.get(key)?.timer);
    this.#kept.delete(key);
  }
}
