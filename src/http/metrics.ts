/** `/metrics`: what the receivers, the API and the store say of themselves, for Prometheus. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
// Its files one by one: the package as a whole loads node:http and node:cluster, 8 ms of every start.
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import type { ContentEncoding } from './body.ts';
import type { Store, StoreHealth } from '../store/store-upkeep.ts';

export type Transport = 'http' | 'grpc';

export interface ExportOutcome {
  readonly transport: Transport;
  readonly format: 'protobuf' | 'json';
  readonly encoding: ContentEncoding;
  /** HTTP status, or gRPC's name of the code. */
  readonly status: string;
  readonly bytes: number;
  readonly accepted: number;
  readonly rejected: number;
}

/** Milliseconds to hours would be wrong here: answers take from 0.5 ms to some seconds. */
const SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const HEALTH_GAUGES: readonly (readonly [
  name: string,
  help: string,
  value: (health: StoreHealth) => number,
])[] = [
  ['spanlake_writable', '1 while the store takes writes', (health) => (health.writable ? 1 : 0)],
  ['spanlake_buffer_spans', 'Spans in memory, not yet in Parquet', (health) => health.bufferRows],
  ['spanlake_buffer_bytes', 'Memory of the buffer', (health) => health.bufferBytes],
  ['spanlake_log_bytes', 'Bytes of the write-ahead log', (health) => health.logBytes],
  [
    'spanlake_log_age_seconds',
    'Age of the oldest log that is still needed',
    (health) => health.logAgeSeconds,
  ],
  ['spanlake_last_fsync_seconds', 'Time of the last fsync of the log', (health) => health.lastFsyncMs / 1000],
  ['spanlake_files', 'Parquet files', (health) => health.files],
  ['spanlake_file_spans', 'Spans in Parquet files', (health) => health.fileRows],
  ['spanlake_file_bytes', 'Bytes of Parquet files', (health) => health.fileBytes],
  ['spanlake_index_bytes', 'Bytes of trace indexes and token filters', (health) => health.indexBytes],
  ['spanlake_compaction_debt_files', 'Files that wait to be merged', (health) => health.compactionDebtFiles],
  ['spanlake_compaction_debt_spans', 'Spans in them', (health) => health.compactionDebtRows],
  ['spanlake_disk_free_bytes', 'Free on the disk of the data folder', (health) => health.diskFreeBytes],
  ['spanlake_disk_reserve_bytes', 'Below it writes are refused', (health) => health.diskReserveBytes],
  [
    'spanlake_disk_days_left',
    'Days until the disk is full at the present pace; -1 while unknown',
    (health) => health.daysLeft ?? -1,
  ],
  [
    'spanlake_retention_paused',
    '1 while retention waits for a clock to be trusted',
    (health) => (health.retentionPaused === '' ? 0 : 1),
  ],
  [
    'spanlake_last_fsync_timestamp_seconds',
    'When the log was last synced',
    (health) => health.lastFsyncAt / 1000,
  ],
  ['spanlake_quarantined_files', 'Files set aside as damaged', (health) => health.quarantined.length],
];

/** Only ever growing while the process runs. */
const HEALTH_COUNTERS: typeof HEALTH_GAUGES = [
  ['spanlake_compactions_total', 'Rewrites of files', (health) => health.compactions],
  ['spanlake_compacted_spans_total', 'Spans written by them', (health) => health.compactedRows],
  [
    'spanlake_duplicate_spans_total',
    'Spans that came again, dropped by compaction',
    (health) => health.duplicateSpans,
  ],
  [
    'spanlake_duplicate_requests_total',
    'Requests that came again and changed nothing',
    (health) => health.duplicateRequests,
  ],
];

/** Counts until somebody asks: prom-client puts the labels together anew at each, 3,200 instructions. */
class LabelledCounts<Label extends string> {
  readonly #counts = new Map<string, { readonly labels: Readonly<Record<Label, string>>; value: number }>();

  /** `key` names the labels. */
  count(key: string, by: number, labels: Readonly<Record<Label, string>>): void {
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { labels, value: by });
    else known.value += by;
  }

  write(counter: Counter<Label>): void {
    counter.reset();
    for (const { labels, value } of this.#counts.values()) counter.inc(labels, value);
  }
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = new LabelledCounts<'transport' | 'format' | 'status'>();
  readonly #bytes = new LabelledCounts<'transport' | 'encoding'>();
  readonly #accepted: Counter;
  readonly #rejected: Counter;
  readonly #queries: Histogram<'route'>;
  readonly #lag = monitorEventLoopDelay({ resolution: 10 });

  constructor(store: Store, version: string) {
    const registers = [this.#registry];
    const requests = this.#requests;
    new Counter({
      name: 'spanlake_export_requests_total',
      help: 'OTLP export requests by answer',
      labelNames: ['transport', 'format', 'status'],
      registers,
      collect() {
        requests.write(this);
      },
    });
    const bytes = this.#bytes;
    new Counter({
      name: 'spanlake_export_received_bytes_total',
      help: 'Bytes of OTLP export requests as received, by compression',
      labelNames: ['transport', 'encoding'],
      registers,
      collect() {
        bytes.write(this);
      },
    });
    this.#accepted = new Counter({
      name: 'spanlake_accepted_spans_total',
      help: 'Spans acknowledged',
      registers,
    });
    this.#rejected = new Counter({ name: 'spanlake_rejected_spans_total', help: 'Spans refused', registers });
    this.#queries = new Histogram({
      name: 'spanlake_request_duration_seconds',
      help: 'Time to answer, by route',
      labelNames: ['route'],
      buckets: SECONDS_BUCKETS,
      registers,
    });
    for (const [name, help, value] of HEALTH_GAUGES) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(store.health()));
        },
      });
    }
    for (const [name, help, value] of HEALTH_COUNTERS) {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(value(store.health()));
        },
      });
    }
    this.#processGauges(version);
  }

  #processGauges(version: string): void {
    const registers = [this.#registry];
    const lag = this.#lag;
    lag.enable();
    new Gauge({ name: 'spanlake_build_info', help: 'Always 1', labelNames: ['version'], registers }).set(
      { version },
      1,
    );
    new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Memory of the process',
      registers,
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'User and system CPU time',
      registers,
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
    new Gauge({ name: 'process_start_time_seconds', help: 'When the process started', registers }).set(
      performance.timeOrigin / 1000,
    );
    new Gauge({
      name: 'spanlake_event_loop_lag_seconds',
      help: 'Longest delay of the HTTP loop since the last scrape',
      registers,
      collect() {
        this.set(Math.max(0, lag.max / 1e9));
        lag.reset();
      },
    });
  }

  /** Bytes of export requests in progress. */
  inProgress(bytes: () => number): void {
    new Gauge({
      name: 'spanlake_export_in_progress_bytes',
      help: 'Bytes of OTLP export requests in progress, as counted against --max-ingest-memory',
      registers: [this.#registry],
      collect() {
        this.set(bytes());
      },
    });
  }

  exported({ transport, format, encoding, status, bytes, accepted, rejected }: ExportOutcome): void {
    this.#requests.count(`${transport} ${format} ${status}`, 1, { transport, format, status });
    this.#bytes.count(`${transport} ${encoding}`, bytes, { transport, encoding });
    if (accepted > 0) this.#accepted.inc(accepted);
    if (rejected > 0) this.#rejected.inc(rejected);
  }

  answered(route: string, milliseconds: number): void {
    this.#queries.observe({ route }, milliseconds / 1000);
  }

  /** `more`: further families in the same format. */
  async text(more: string): Promise<Response> {
    return new Response((await this.#registry.metrics()) + more, {
      headers: { 'content-type': this.#registry.contentType },
    });
  }

  stop(): void {
    this.#lag.disable();
  }
}
