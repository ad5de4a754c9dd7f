/**
 * At a fixed pace: the latency of an acknowledgement (P4), and the memory of the server when idle, while taking
 * in, and with questions and compaction beside it (P11).
 */
import type { Measure } from './measure.ts';
import { atMost, figure, median, quantile } from './measure.ts';
import { pace } from './pace.ts';
import type { Paced } from './pace.ts';
import { send } from './send.ts';
import { NO_FLUSH, Server, withDataFolder } from './server.ts';
import { Stamps } from './stamps.ts';
import { SPANS_PER_REQUEST } from './traffic.ts';

const LATENCY_SPANS_PER_SECOND = 50_000;
const LATENCY_SECONDS = 6;
/** As usual: two or three flushes within the seconds that are measured. */
const OFTEN_FLUSHED = ['--flush-rows', '131072'];
const MEMORY_SPANS_PER_SECOND = 100_000;
const MEMORY_SECONDS = 30;
const ASKED_SECONDS = 15;
/** An idle server has started its workers, and has given back what starting took. */
const IDLE_SECONDS = 3;
const ASK_EVERY_MS = 500;
const WARM_UP_REQUESTS = 200;
/** 100,000 different spans, 40 MB. */
const TEMPLATES = 200;

/** What somebody at the page asks while spans come in. */
const QUESTIONS = [
  `/api/v1/spans?since=1h&limit=100&q=${encodeURIComponent('{ span.user.id = "u-abc" }')}`,
  `/api/v1/metrics?since=1h&q=${encodeURIComponent('{} | rate() by (resource.service.name)')}`,
  `/api/v1/metrics?since=1h&q=${encodeURIComponent('{} | quantile_over_time(duration, .5, .99) by (name)')}`,
  '/search?since=15m',
  '/services?since=15m',
];

export async function measurePaced(spans: number): Promise<Measure[]> {
  // A short run of the bench is short here too.
  const share = Math.min(1, spans / 1_000_000);
  const stamps = new Stamps(TEMPLATES);
  return [
    ...(await latency(stamps, share, 'flush off', NO_FLUSH)),
    ...(await latency(stamps, share, 'flush on', OFTEN_FLUSHED)),
    ...(await memory(stamps, share)),
  ];
}

function latency(stamps: Stamps, share: number, name: string, flags: readonly string[]): Promise<Measure[]> {
  return withDataFolder(async (folder) => {
    const server = await Server.start(folder, flags);
    const load = new Load(server, stamps);
    try {
      for (let i = 0; i < WARM_UP_REQUESTS; i++) await load.sendNext();
      const { latencies } = await load.run(LATENCY_SPANS_PER_SECOND, LATENCY_SECONDS * share);
      const at = `acknowledgement %s at 50k spans/s, ${name}`;
      return [
        atMost('P4', at.replace('%s', 'p50'), median(latencies), 'ms', 5),
        atMost('P4', at.replace('%s', 'p99'), quantile(latencies, 0.99), 'ms', 20),
      ];
    } finally {
      await server.stop();
    }
  });
}

function memory(stamps: Stamps, share: number): Promise<Measure[]> {
  return withDataFolder(async (folder) => {
    const server = await Server.start(folder);
    const load = new Load(server, stamps);
    try {
      await Bun.sleep(IDLE_SECONDS * 1000);
      const idle = server.memory().nowMiB;
      server.forgetPeak();
      const taken = await load.run(MEMORY_SPANS_PER_SECOND, MEMORY_SECONDS * share);
      const taking = server.memory().peakMiB;
      server.forgetPeak();
      const all = await besideQuestions(server, () =>
        Promise.all([
          load.run(MEMORY_SPANS_PER_SECOND, ASKED_SECONDS * share),
          fetch(`${server.url}/api/v1/storage/compact`, { method: 'POST' }).then((answer) => answer.text()),
        ]),
      );
      return [
        atMost('P11', 'memory, idle', idle, 'MiB', 90),
        atMost('P11', 'memory at most, at 100k spans/s', taking, 'MiB', 450),
        figure('P11', 'taken in meanwhile', taken.requestsPerSecond * SPANS_PER_REQUEST, 'spans/s'),
        atMost('P11', 'memory at most, with questions and compaction', server.memory().peakMiB, 'MiB', 768),
        figure('P11', 'questions answered meanwhile', all.answered, ''),
        figure('P11', 'questions that failed', all.failed, ''),
      ];
    } finally {
      await server.stop();
    }
  });
}

/** Requests that nobody sent before, with spans of now. */
class Load {
  #next = 0;

  constructor(
    readonly server: Server,
    readonly stamps: Stamps,
  ) {}

  sendNext = (): Promise<void> => {
    const startUnixNano = BigInt(Date.now()) * 1_000_000n;
    return send(this.server.url, this.stamps.request(this.#next++, startUnixNano));
  };

  run(spansPerSecond: number, seconds: number): Promise<Paced> {
    return pace({ requestsPerSecond: spansPerSecond / SPANS_PER_REQUEST, seconds }, this.sendNext);
  }
}

async function besideQuestions(
  { url }: Server,
  work: () => Promise<unknown>,
): Promise<{ readonly answered: number; readonly failed: number }> {
  const over = new AbortController();
  const counts = { answered: 0, failed: 0 };
  const asking = (async () => {
    for (let i = 0; !over.signal.aborted; i++) {
      const answer = await fetch(url + QUESTIONS[i % QUESTIONS.length]);
      await answer.arrayBuffer();
      counts[answer.ok ? 'answered' : 'failed']++;
      await Bun.sleep(ASK_EVERY_MS);
    }
  })();
  try {
    await work();
  } finally {
    over.abort();
    await asking;
  }
  return counts;
}
