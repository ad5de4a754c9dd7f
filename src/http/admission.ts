/**
 * One budget for the bytes of export requests in progress, from the first byte to the answer, received and
 * decompressed. A project may hold as much as is still free (one project a half, two a third each), so a flood
 * of one leaves room for the others. What does not fit is refused at once, before it is read; uploads that
 * have stalled go first.
 */

import { StoreUnavailableError } from '../store/span-store.ts';

/** The project holds too much, or all of them do: answer 503 with Retry-After. */
export class OverloadError extends Error {
  override readonly name = 'OverloadError';
  /** `reason` without the seconds, so that refusals of the same kind are told once. */
  constructor(
    readonly reason: string,
    readonly retryAfterSeconds: number,
  ) {
    super(`${reason}: send again in ${retryAfterSeconds} s`);
  }
}

/** An upload that was cut because others needed its room, or that took longer than anybody waits: answer 503. */
export class StalledUploadError extends Error {
  override readonly name = 'StalledUploadError';
  constructor(arrivedBytes: number, milliseconds: number) {
    super(`the upload stalled: ${arrivedBytes} bytes in ${Math.round(milliseconds / 1000)} s`);
  }
}

/** Of a request besides its bytes: objects, promises, its place in the log. Bounds the requests in progress. */
const REQUEST_BYTES = 4 * 1024;
/**
 * Counted of a body before it shows that it comes; then all of it is. 5,000 connections that announce 64 MiB and
 * send a byte a second hold 40 MB.
 */
const FIRST_BYTES = 4 * 1024;
/** Bodies up to this length are counted whole, and read in one go, which is half the cost of reading in pieces. */
const WHOLE_BYTES = 512 * 1024;
/**
 * One large request of a project at a time may go beyond the project's part, else there would be sizes that are
 * never let in.
 */
const LARGE_BYTES = 8 * 1024 * 1024;
const LONE_SHARE = 0.8;

/** While others are refused: an upload without progress is cut after this long, one that crawls likewise. */
const STALL_MS = 3_000;
const PRESSED_BYTES_PER_SECOND = 64 * 1024;
/** The log keeps a request longer than this: the sender, which gives up at 10 s, hears that it may try again. */
const STORE_WAIT_MS = 8_000;
const STORE_RETRY_SECONDS = 5;

/** At any time: an upload this old that came slower than that is cut. A phone on a bad network sends ten times as fast. */
const CRAWL_MS = 60_000;
const CRAWL_BYTES_PER_SECOND = 1024;
/** A claim on bytes that don't come is given up after this long, when somebody else needs them. */
const UNCLAIM_MS = 1_000;
const SWEEP_MS = 1_000;
/** Looking through all uploads takes up to a millisecond: not for each of thousands of refusals. */
const RECLAIM_EVERY_MS = 50;

/**
 * Refusals a second that one more second of Retry-After answers, and the longest: SDKs give up after 10 s in all, and
 * drop what they would have to wait longer for.
 */
const REFUSALS_A_SECOND = 50;
const LEAST_SPREAD_SECONDS = 2;
const MOST_SPREAD_SECONDS = 5;

export interface AdmissionOptions {
  /** At least 2.5 times the largest body, or a lone one with its decompressed bytes would not fit. */
  readonly budgetBytes: number;
  readonly nowMs?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
}

interface ProjectUse {
  bytes: number;
  requests: number;
  /** The request that may go beyond the part. */
  large: Hold | undefined;
}

/** Kept although nothing is in progress: most projects send again. */
const IDLE_PROJECTS = 1_000;

export class Admission {
  readonly budgetBytes: number;
  readonly #nowMs: () => number;
  readonly #random: () => number;
  readonly #projects = new Map<string, ProjectUse>();
  readonly #uploads = new Set<Hold>();
  /** What waits for the store. */
  readonly #storing = new Set<Hold>();
  readonly #sweeper: ReturnType<typeof setInterval>;
  /** Projects of which somebody was refused, since the last look. */
  readonly #pressed = new Set<ProjectUse>();
  #usedBytes = 0;
  #reclaimedAtMs = -Infinity;
  #refusals = 0;
  #refusalsLast = 0;

  constructor({ budgetBytes, nowMs = () => performance.now(), random = Math.random }: AdmissionOptions) {
    this.budgetBytes = budgetBytes;
    this.#nowMs = nowMs;
    this.#random = random;
    this.#sweeper = setInterval(() => this.sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  /** Bytes in progress, as counted. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * A place for a request of which `announcedBytes` will come; undefined: nobody said. Throws OverloadError.
   * Whoever gets one releases it.
   */
  place(projectId: string, announcedBytes: number | undefined): Hold {
    const project = this.#projectOf(projectId);
    const announced = announcedBytes ?? 0;
    // Whole only while there is plenty: what is read in one go does not show whether it comes.
    const isWhole =
      announcedBytes !== undefined &&
      announced <= WHOLE_BYTES &&
      project.bytes + announced <= (this.budgetBytes - this.#usedBytes) / 2;
    const hold = new Hold(this, project, announced, isWhole, this.#nowMs());
    project.requests += 1;
    try {
      hold.claim(REQUEST_BYTES + (isWhole ? announced : Math.min(FIRST_BYTES, announced)));
    } catch (error) {
      hold.release();
      throw error;
    }
    this.#uploads.add(hold);
    return hold;
  }

  /** Seconds after which a refused sender may come again: random, or all of them would come at once. */
  retryAfterSeconds(): number {
    const pressure = Math.max(this.#refusals, this.#refusalsLast) / REFUSALS_A_SECOND;
    const spread = Math.min(MOST_SPREAD_SECONDS, LEAST_SPREAD_SECONDS + pressure);
    return 1 + Math.floor(this.#random() * spread);
  }

  /** To be called each second: cuts what has crawled for too long, and lets go who waits too long for the store. */
  sweep(): void {
    this.#refusalsLast = this.#refusals;
    this.#refusals = 0;
    const now = this.#nowMs();
    // Those who were refused come again: by then there should be room.
    this.#reclaim(this.#pressed);
    this.#pressed.clear();
    for (const hold of this.#uploads) {
      const ageMs = now - hold.startedMs;
      if (ageMs > CRAWL_MS && hold.bytesPerSecond(now) < CRAWL_BYTES_PER_SECOND) hold.cutOff(now);
    }
    for (const hold of this.#storing) {
      if (now - hold.storingMs <= STORE_WAIT_MS) continue;
      this.#storing.delete(hold);
      hold.onLate?.();
    }
  }

  stop(): void {
    clearInterval(this.#sweeper);
  }

  /** For holds: `bytes` more for this one. Throws OverloadError, after a look at who could give way. */
  take(hold: Hold, bytes: number): void {
    const { project } = hold;
    if (!this.#fits(hold, bytes)) {
      this.#reclaim(this.#pressed.add(project));
      // The one that asks may be the one that gave way.
      hold.checkHeld();
      if (!this.#fits(hold, bytes)) throw this.#refusal(bytes);
    }
    if (hold.claimedBytes + bytes > LARGE_BYTES) project.large ??= hold;
    project.bytes += bytes;
    this.#usedBytes += bytes;
  }

  give(project: ProjectUse, bytes: number): void {
    project.bytes -= bytes;
    this.#usedBytes -= bytes;
  }

  arrived(hold: Hold): void {
    this.#uploads.delete(hold);
  }

  storing(hold: Hold): void {
    this.#storing.add(hold);
  }

  stored(hold: Hold): void {
    this.#storing.delete(hold);
  }

  now(): number {
    return this.#nowMs();
  }

  #fits(hold: Hold, bytes: number): boolean {
    const { project } = hold;
    const isLone = hold.claimedBytes + bytes > LARGE_BYTES && (project.large ?? hold) === hold;
    const most = isLone ? this.budgetBytes * LONE_SHARE : this.budgetBytes - this.#usedBytes;
    return project.bytes + bytes <= most && this.#usedBytes + bytes <= this.budgetBytes;
  }

  /** Stalled uploads give way: those of these projects, and of all when the whole is half full. */
  #reclaim(projects: ReadonlySet<ProjectUse>): void {
    const now = this.#nowMs();
    if (projects.size === 0 || now - this.#reclaimedAtMs < RECLAIM_EVERY_MS) return;
    this.#reclaimedAtMs = now;
    const isFull = this.#usedBytes > this.budgetBytes / 2;
    for (const hold of this.#uploads) {
      if (!projects.has(hold.project) && !isFull) continue;
      const idleMs = now - hold.progressMs;
      if (idleMs > UNCLAIM_MS) hold.unclaim();
      // What is read in one go tells of no progress: it has the time that its length takes at the least pace.
      const allowedMs =
        STALL_MS + (hold.isWhole ? (hold.announcedBytes * 1000) / PRESSED_BYTES_PER_SECOND : 0);
      if (now - hold.startedMs <= allowedMs) continue;
      if (hold.isWhole || idleMs > STALL_MS || hold.bytesPerSecond(now) < PRESSED_BYTES_PER_SECOND)
        hold.cutOff(now);
    }
  }

  #refusal(bytes: number): OverloadError {
    this.#refusals += 1;
    const limit = sizeText(this.budgetBytes);
    const whose = this.#usedBytes + bytes > this.budgetBytes ? limit : `this project's part of ${limit}`;
    return new OverloadError(`too many bytes in progress (${whose})`, this.retryAfterSeconds());
  }

  #projectOf(projectId: string): ProjectUse {
    let project = this.#projects.get(projectId);
    if (project === undefined) {
      if (this.#projects.size >= IDLE_PROJECTS) {
        for (const [id, { requests }] of this.#projects) if (requests === 0) this.#projects.delete(id);
      }
      project = { bytes: 0, requests: 0, large: undefined };
      this.#projects.set(projectId, project);
    }
    return project;
  }
}

/** The place of one request. */
export class Hold {
  /** Of the body, as they arrived. */
  arrivedBytes = 0;
  progressMs: number;
  /** Called once when the upload is cut; it frees what it holds and answers. */
  onCut: ((error: StalledUploadError) => void) | undefined;
  /** When the store was given the request. */
  storingMs = 0;
  /** Called once when the store takes longer than a sender waits. */
  onLate: (() => void) | undefined;
  claimedBytes = 0;
  #used = 0;
  #isReleased = false;
  #isStoring = false;

  constructor(
    private readonly admission: Admission,
    readonly project: ProjectUse,
    public announcedBytes: number,
    /** May be read in one go. */
    readonly isWhole: boolean,
    readonly startedMs: number,
  ) {
    this.progressMs = startedMs;
  }

  bytesPerSecond(nowMs: number): number {
    return (this.arrivedBytes * 1000) / Math.max(1, nowMs - this.startedMs);
  }

  /** Counts up to so many bytes in all. Throws OverloadError. */
  claim(bytes: number): void {
    this.checkHeld();
    if (bytes <= this.claimedBytes) return;
    this.admission.take(this, bytes - this.claimedBytes);
    this.claimedBytes = bytes;
  }

  /** Throws StalledUploadError when the place was given back: what is counted then, nobody would take off again. */
  checkHeld(): void {
    if (!this.#isReleased) return;
    throw new StalledUploadError(this.arrivedBytes, this.admission.now() - this.startedMs);
  }

  /** So many will come in all, as was learnt meanwhile. */
  announce(bytes: number): void {
    this.announcedBytes = bytes;
  }

  /** So many bytes of the body came. Throws OverloadError when there is no room for them. */
  arrive(bytes: number): void {
    this.arrivedBytes += bytes;
    this.progressMs = this.admission.now();
    this.#use(bytes);
    if (this.isWhole || this.arrivedBytes < FIRST_BYTES) return;
    this.claim(REQUEST_BYTES + Math.max(this.announcedBytes, this.arrivedBytes));
  }

  /** So many bytes were decompressed. Throws OverloadError when there is no room for them. */
  decompressed(bytes: number): void {
    this.#use(bytes);
  }

  /** The body is there: nobody waits for its sender any more. */
  complete(): void {
    this.onCut = undefined;
    this.admission.arrived(this);
  }

  /** Gives back what was claimed and has not come. */
  unclaim(): void {
    const used = REQUEST_BYTES + this.#used;
    if (this.isWhole || this.claimedBytes <= used) return;
    this.admission.give(this.project, this.claimedBytes - used);
    this.claimedBytes = used;
  }

  cutOff(nowMs: number): void {
    const tell = this.onCut;
    // At once: somebody waits for the room.
    this.release();
    tell?.(new StalledUploadError(this.arrivedBytes, nowMs - this.startedMs));
  }

  /**
   * What `stored` ends with, or StoreUnavailableError when that takes longer than a sender waits. The place is
   * held until `stored` has ended, whatever comes first: its bytes are in memory so long. `done` is called then.
   */
  untilStored<T>(stored: Promise<T>, done: () => void): Promise<T> {
    this.#isStoring = true;
    this.storingMs = this.admission.now();
    this.admission.storing(this);
    return new Promise<T>((resolve, reject) => {
      this.onLate = () =>
        reject(new StoreUnavailableError('the disk is slow to keep writes', STORE_RETRY_SECONDS));
      const end = (): void => {
        this.#isStoring = false;
        this.admission.stored(this);
        done();
        this.release();
      };
      const settle = async (): Promise<void> => {
        try {
          const value = await stored;
          end();
          resolve(value);
        } catch (error) {
          end();
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      void settle();
    });
  }

  /** Gives everything back; when it is with the store, as soon as that is done with it. */
  release(): void {
    if (this.#isReleased || this.#isStoring) return;
    this.#isReleased = true;
    this.complete();
    this.admission.give(this.project, this.claimedBytes);
    if (this.project.large === this) this.project.large = undefined;
    this.claimedBytes = 0;
    this.project.requests -= 1;
  }

  #use(bytes: number): void {
    this.#used += bytes;
    this.claim(REQUEST_BYTES + this.#used);
  }
}

export function sizeText(bytes: number): string {
  return bytes >= 1024 ** 2 ? `${Math.round(bytes / 1024 ** 2)} MiB` : `${Math.ceil(bytes / 1024)} KiB`;
}
