/** For tests: a writer that writes when it is told, so that what a start replays stays in memory until then. */
import type { CopiedBlock } from '../../write/copy.ts';
import type { FileSink } from '../../write/encode.ts';
import { Writer } from '../../write/writer.ts';

interface HeldJob {
  begin(): void;
  fail(error: Error): void;
}

export class HeldWriter extends Writer {
  /** Jobs that may begin. */
  #allowed = Infinity;
  #isDead = false;
  #held: HeldJob | undefined;

  /** Does its work by another one, which is not closed with it. */
  constructor(private readonly inner: Writer) {
    super();
  }

  /** A job waits to be allowed. */
  get isHolding(): boolean {
    return this.#held !== undefined;
  }

  /** So many jobs are done from now on; those behind them wait. */
  allow(jobs: number): void {
    this.#isDead = false;
    this.#allowed = jobs;
    if (jobs === 0 || this.#held === undefined) return;
    this.#allowed--;
    this.#held.begin();
    this.#held = undefined;
  }

  /** As the writer of a killed process: what waits is never done. */
  kill(): void {
    this.#isDead = true;
    this.#held?.fail(new Error('killed'));
    this.#held = undefined;
  }

  override async encode(blocks: readonly CopiedBlock[], sink: FileSink): Promise<void> {
    if (this.#isDead) throw new Error('killed');
    if (this.#allowed > 0) this.#allowed--;
    else await new Promise<void>((begin, fail) => (this.#held = { begin, fail }));
    return this.inner.encode(blocks, sink);
  }

  override close(): void {
    this.kill();
  }
}
