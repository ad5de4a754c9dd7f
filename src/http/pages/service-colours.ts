/**
 * `/services.css`: the colours of a project's services, dealt so that they differ. Its address names how many
 * services it knows, so that a browser may keep it for ever; who is new is looked up beside the pages, never
 * before them.
 */
import { ownServiceClass, serviceHash } from '../../../views/format.ts';
import { SERVICE_SLOTS, ServiceSlots } from '../../store/service-slots.ts';
import type { Store } from '../../store/store-upkeep.ts';
import { rangeOf } from './range.ts';

/** Between two looks for new services. The first, while the sheet is empty, may be sooner. */
const LOOK_EVERY_MS = 10_000;
const FIRST_LOOKS_EVERY_MS = 1_000;
/** Else only at the last hour; imported spans may be of any time. */
const LOOK_AT_ALL_EVERY_MS = 300_000;
/** The page waits for its sheet: colours by name alone are better than no page. */
const SHEET_WAITS_MS = 250;

export class ServiceColours {
  readonly #store: Store;
  readonly #slots: ServiceSlots;
  readonly #now: () => bigint;
  readonly #looks = new Map<string, { atMs: number; allMs: number; running: Promise<void> | undefined }>();

  constructor(store: Store, slots: ServiceSlots | undefined, now: () => bigint) {
    this.#store = store;
    this.#slots = slots ?? new ServiceSlots();
    this.#now = now;
  }

  /** The sheet's address, with what is known by now. Looks for new services in the background. */
  href(projectId: string): string {
    void this.#look(projectId);
    return `/services.css?project=${encodeURIComponent(projectId)}&v=${this.#slots.of(projectId).size}`;
  }

  async answer(projectId: string, request: Request): Promise<Response> {
    const asked = new URL(request.url).searchParams;
    await Promise.race([this.#look(projectId), Bun.sleep(SHEET_WAITS_MS)]);
    const slots = this.#slots.of(projectId);
    const isAsAsked = asked.get('project') === projectId && asked.get('v') === String(slots.size);
    const rules = [...slots].map(
      ([name, slot]) => `.${ownServiceClass(serviceHash(name))}{--svc:var(--svc-${slot})}`,
    );
    return new Response(['/* The colours of the services that this store knows. */', ...rules].join('\n'), {
      headers: {
        'content-type': 'text/css; charset=utf-8',
        'cache-control': isAsAsked ? 'private, max-age=31536000, immutable' : 'no-store',
        vary: 'Cookie',
      },
    });
  }

  /** Resolves when the look that runs, if one does, is done. */
  #look(projectId: string): Promise<void> {
    const look = this.#looks.get(projectId) ?? { atMs: -Infinity, allMs: -Infinity, running: undefined };
    this.#looks.set(projectId, look);
    if (look.running !== undefined) return look.running;
    const pause = this.#slots.of(projectId).size === 0 ? FIRST_LOOKS_EVERY_MS : LOOK_EVERY_MS;
    if (performance.now() - look.atMs < pause || this.#store.isEmpty(projectId)) return Promise.resolve();
    const isDue =
      performance.now() - look.allMs >= LOOK_AT_ALL_EVERY_MS || this.#slots.of(projectId).size === 0;
    if (isDue) look.allMs = performance.now();
    look.running = this.#learn(projectId, isDue ? 'all' : '1h')
      // A busy store or catalog: the colours by name do until the next look.
      .catch(() => undefined)
      .finally(() => {
        look.atMs = performance.now();
        look.running = undefined;
      });
    return look.running;
  }

  async #learn(projectId: string, since: 'all' | '1h'): Promise<void> {
    const range = rangeOf({ since, start: '', end: '' }, this.#now());
    const { stats } = await this.#store.serviceStats(projectId, { range });
    const services = stats
      .toSorted((a, b) => b.count - a.count || (a.serviceName < b.serviceName ? -1 : 1))
      .map(({ serviceName: name }) => ({ name, preferred: serviceHash(name) % SERVICE_SLOTS }));
    this.#slots.add(projectId, services);
  }
}
