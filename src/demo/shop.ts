/** What outlives one trace: the running instances, the queue between services, and the day's troubles. */
import type { Random } from './random.ts';
import { startInstances } from './services.ts';
import type { Instance, ServiceName } from './services.ts';

/** A message on its way: what its consumer needs to link back to the span that sent it. */
export interface Message {
  readonly topic: string;
  readonly id: string;
  readonly offset: number;
  readonly bytes: number;
  readonly orderId: string;
  readonly userId: string;
  readonly dueUnixNano: bigint;
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
}

export type Trouble = 'none' | 'payments-outage' | 'slow-stock';

const MINUTE_NANOS = 60_000_000_000n;

/** Troubles come by the clock, so that charts show them as episodes and not as noise. */
function troubleAt(unixNano: bigint): Trouble {
  switch ((unixNano / MINUTE_NANOS) % 12n) {
    case 4n:
      return 'payments-outage';
    case 9n:
      return 'slow-stock';
    default:
      return 'none';
  }
}

export class Shop {
  readonly outbox: Message[] = [];
  readonly #instances: ReadonlyMap<ServiceName, readonly Instance[]>;
  readonly #offsets = new Map<string, number>();

  constructor(
    readonly random: Random,
    seed: number,
  ) {
    this.#instances = startInstances(seed);
  }

  /** The load balancer's choice. */
  instance(name: ServiceName): Instance {
    return this.random.pick(this.#instances.get(name) ?? []);
  }

  nextOffset(topic: string): number {
    const offset = this.#offsets.get(topic) ?? 184_000;
    this.#offsets.set(topic, offset + 1);
    return offset;
  }

  /** Messages whose time has come, oldest first, at most `limit` of one topic. */
  take(nowUnixNano: bigint, limit: number): Message[] {
    const first = this.outbox.find((message) => message.dueUnixNano <= nowUnixNano);
    if (first === undefined) return [];
    const due = this.outbox.filter(
      (message) => message.topic === first.topic && message.dueUnixNano <= nowUnixNano,
    );
    const batch = due.slice(0, limit);
    for (const message of batch) this.outbox.splice(this.outbox.indexOf(message), 1);
    return batch;
  }
}

/** One visitor's request: what every service on its way knows of it. */
export interface Visit {
  readonly shop: Shop;
  readonly userId: string;
  readonly sessionId: string;
  readonly trouble: Trouble;
}

const USERS = 4000;

export function newVisit(shop: Shop, startUnixNano: bigint): Visit {
  const user = shop.random.popular(USERS);
  return {
    shop,
    userId: `u-${String(user).padStart(5, '0')}`,
    sessionId: `s-${user.toString(36)}-${(startUnixNano / (30n * MINUTE_NANOS)).toString(36)}`,
    trouble: troubleAt(startUnixNano),
  };
}

const PRODUCTS = [
  'Oak desk',
  'Reading lamp',
  'Wool blanket',
  'Tea kettle',
  'Café press, 8 cups',
  'Linen curtain',
  'Bookshelf "Nord"',
  'Garden chair',
  'Wall clock',
  'Cutting board',
] as const;

export interface Product {
  readonly id: string;
  readonly name: string;
  readonly price: number;
}

/** 500 products; the first ones are asked for most. */
export function someProduct(random: Random): Product {
  const number = random.popular(500);
  return {
    id: `p-${String(number).padStart(4, '0')}`,
    name: PRODUCTS[number % PRODUCTS.length] ?? '',
    price: 9.9 + (number % 97) * 2.5,
  };
}
