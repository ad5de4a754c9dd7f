/**
 * Room on the disk that is kept for flushes, compaction and the catalog: while less is free, no writes are
 * taken. The disk is asked once a second, not by each request.
 */
import { messageOf } from '../parts.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { Clock } from './clock.ts';

/** How much of the disk is kept free. */
export type ReserveSize =
  | { readonly bytes: number }
  /** A share of the disk, up to a number of bytes. */
  | { readonly share: number; readonly mostBytes: number };

export const DEFAULT_RESERVE: ReserveSize = { share: 0.05, mostBytes: 1024 ** 3 };

const CHECK_EVERY_MS = 1_000;

/** Writes are taken again when so much more than the reserve is free, so that they don't come and go. */
const RESUME_SHARE = 0.1;
const MOST_RESUME_BYTES = 64 * 1024 ** 2;

export interface DiskReserveParts {
  readonly files: FileSystem;
  /** Any path on the disk. */
  readonly path: string;
  readonly clock: Clock;
  readonly size: ReserveSize;
  readonly report: (problem: string) => void;
}

export class DiskReserve {
  /** Why no writes are taken, or ''. */
  refusal = '';
  totalBytes = 0;
  /** As the disk said last; Infinity before it was asked. */
  private freeSaid = Infinity;
  /** Written since then, and not known to be in it. */
  private spent = 0;
  private checkedAtMs = -Infinity;
  private checking: Promise<void> | undefined;
  private failed = false;

  constructor(private readonly parts: DiskReserveParts) {}

  /** 0 while it is not known. */
  get freeBytes(): number {
    return Number.isFinite(this.freeSaid) ? Math.max(0, this.freeSaid - this.spent) : 0;
  }

  get reserveBytes(): number {
    const { size } = this.parts;
    return 'bytes' in size ? size.bytes : Math.min(size.mostBytes, Math.floor(this.totalBytes * size.share));
  }

  /** Counts bytes that go to the disk, so that a burst between two looks at it stops in time. */
  spend(bytes: number): void {
    this.spent += bytes;
    if (this.refusal === '' && this.freeSaid - this.spent < this.reserveBytes) this.checkSoon();
  }

  /** Asks the disk when a second went by; to be called often. */
  tick(): void {
    if (this.parts.clock.monotonicMs() - this.checkedAtMs >= CHECK_EVERY_MS) this.checkSoon();
  }

  /** Asks the disk, unless that is under way. */
  checkSoon(): void {
    void this.check();
  }

  /** Resolves when the disk was asked. What it can't say changes nothing. */
  check(): Promise<void> {
    this.checking ??= this.ask().finally(() => (this.checking = undefined));
    return this.checking;
  }

  private async ask(): Promise<void> {
    const { files, path, clock, report } = this.parts;
    this.checkedAtMs = clock.monotonicMs();
    const spentBefore = this.spent;
    try {
      const { freeBytes, totalBytes } = await files.freeSpace(path);
      this.spent -= spentBefore;
      this.freeSaid = freeBytes;
      this.totalBytes = totalBytes;
      this.decide();
      this.failed = false;
    } catch (error) {
      if (!this.failed) report(`can't tell the free space of ${path}: ${messageOf(error)}`);
      this.failed = true;
    }
  }

  private decide(): void {
    const reserve = this.reserveBytes;
    const resume = this.refusal === '' ? 0 : Math.min(MOST_RESUME_BYTES, reserve * RESUME_SHARE);
    const isLow = this.freeSaid - this.spent < reserve + resume;
    const before = this.refusal;
    this.refusal = isLow
      ? `the disk has ${sizeText(this.freeSaid)} free, less than the reserve of ${sizeText(reserve)}`
      : '';
    if (isLow && before === '') this.parts.report(`${this.refusal}: no writes are taken`);
    if (!isLow && before !== '') this.parts.report('the disk has room again: writes are taken');
  }
}

function sizeText(bytes: number): string {
  if (bytes >= 1024 ** 3) return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
