/** How far a long piece of work has come, on stderr: one line rewritten on a terminal, else one every 10 s. */
import { switchFlag } from '../command-line.ts';
import type { Output } from './command.ts';

const TERMINAL_EVERY_MS = 200;
const FILE_EVERY_MS = 10_000;

export const quietFlag = { ...switchFlag('say nothing of the progress'), argumentOnly: true };

export interface ProgressOptions {
  readonly quiet: boolean;
  /** What is counted, as `MB` or `spans`. */
  readonly unit: string;
  readonly terminal?: boolean;
  readonly now?: () => number;
}

export class Progress {
  readonly #began: number;
  readonly #now: () => number;
  readonly #terminal: boolean;
  #shownAt: number;
  #hasLine = false;

  constructor(
    private readonly doing: string,
    private readonly options: ProgressOptions,
    private readonly output: Output,
  ) {
    this.#now = options.now ?? (() => performance.now());
    this.#terminal = options.terminal ?? process.stderr.isTTY;
    this.#began = this.#now();
    this.#shownAt = this.#began;
  }

  /** `done` of the unit, since the beginning; without a total no share is shown. */
  show(done: number, total?: number): void {
    if (this.options.quiet) return;
    const now = this.#now();
    if (now - this.#shownAt < (this.#terminal ? TERMINAL_EVERY_MS : FILE_EVERY_MS)) return;
    this.#shownAt = now;
    const line = this.#line(done, total, (now - this.#began) / 1000);
    if (!this.#terminal) return this.output.err(line);
    process.stderr.write(`\r\u001b[2K${line}`);
    this.#hasLine = true;
  }

  /** Takes the line away, so that another can stand there. */
  clear(): void {
    if (this.#hasLine) process.stderr.write('\r\u001b[2K');
    this.#hasLine = false;
  }

  #line(done: number, total: number | undefined, seconds: number): string {
    const { unit } = this.options;
    const rate = `${shown(done / Math.max(seconds, 0.001))} ${unit}/s`;
    if (total === undefined || total === 0) return `${this.doing}: ${shown(done)} ${unit}, ${rate}`;
    const share = Math.min(100, Math.floor((done / total) * 100));
    return `${this.doing}: ${share} %, ${shown(done)} of ${shown(total)} ${unit}, ${rate}`;
  }
}

function shown(value: number): string {
  return value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString('en') : value.toFixed(1);
}
