/**
 * Ingest health: who sends, what of it was taken, what was refused or cut, and why. Fed by the receivers
 * with every request, asked by the API, the page and /metrics, kept in the catalog.
 */
import type { Findings } from '../../span/findings.ts';
import type { Log } from '../../log.ts';
import type { IngestReport, SenderReport, SenderState } from '../../store/ingest-health.ts';
import type { IngestRecords } from '../../store/ingest-records.ts';
import type { Token } from '../../store/projects.ts';
import type { AppendResult } from '../../store/span-store.ts';
import type { Access } from '../access.ts';
import { Families } from './families.ts';
import { Sender } from './sender.ts';
import type { Seen } from './sender.ts';
import { Windows } from './windows.ts';

/** Each is 6 KB, so 24 MB: far more tokens than anybody has. The one that has not sent for longest makes room. */
const MAX_SENDERS = 4_000;
/** A revoked token is of interest while somebody may wonder why nothing comes. */
const REVOKED_SHOWN_MS = 30 * 24 * 3_600_000;

const SAVE_EVERY_MS = 60_000;
/** A row takes about 20 us to write; the loop must not be held. The rest follows soon. */
const SAVED_AT_ONCE = 200;
const SAVE_REST_AFTER_MS = 1_000;

/** What the receivers tell of a request. `access`: undefined when it was turned away before it had any. */
export interface Told extends Seen {
  readonly access: Access | undefined;
}

export interface SendersOptions {
  /** Undefined: nothing outlives the process. */
  readonly records: IngestRecords | undefined;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

export class Senders {
  /** By token, or by project for whoever has none. A project's id can't be a token's key: see `keyOf`. */
  readonly #senders = new Map<string, Sender>();
  readonly #byNumber = new Map<number, Sender>();
  /** Since this process started, for /metrics: its counters may not shrink. */
  readonly #projects = new Map<string, Windows>();
  readonly #families: Families;
  readonly #options: SendersOptions;
  readonly #now: () => number;
  readonly #timer: ReturnType<typeof setInterval>;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #nextNumber = 1;
  #saveFailed = false;

  constructor(options: SendersOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#families = new Families((number, sampled, orphans) => this.#judged(number, sampled, orphans));
    const nowMs = this.#now();
    // Latest first, and a map keeps the order of coming.
    for (const stored of (options.records?.load(MAX_SENDERS) ?? []).toReversed()) {
      const { projectId } = this.#add(Sender.restore(this.#nextNumber++, stored, nowMs));
      this.#projectOf(projectId, nowMs);
    }
    this.#timer = setInterval(() => this.tick(), SAVE_EVERY_MS);
    this.#timer.unref();
  }

  /** A request that was stored, wholly or in part. */
  taken(told: Told, result: AppendResult): void {
    const nowMs = this.#now();
    const { accepted, rejected, findings } = result;
    const isDuplicate = result.duplicate === true;
    const sender = this.#senderOf(told.access);
    sender.taken(told, accepted, rejected, isDuplicate, nowMs);
    const project = this.#projectOf(sender.projectId, nowMs);
    project.add('requests', 1);
    project.add('acceptedSpans', accepted);
    project.add('rejectedSpans', rejected);
    if (isDuplicate) project.add('duplicateRequests', 1);
    if (findings !== undefined) {
      sender.noticed(findings, nowMs);
      addFindings(project, findings);
      this.#families.add(sender.projectId, sender.number, findings.family, nowMs);
    }
    const isExplained = findings !== undefined && findings.rejections.length > 0;
    if (rejected > 0 && !isExplained) sender.count(result.message, 'spans', rejected, nowMs);
  }

  /** A request that was not. */
  refused(told: Told, reason: string): void {
    const nowMs = this.#now();
    const sender = this.#senderOf(told.access);
    sender.refused(told, reason, nowMs);
    this.#projectOf(sender.projectId, nowMs).add('refusedRequests', 1);
  }

  /**
   * `tokens`: of all projects. `seesServer`: whether the asker may know of requests whose sender nobody knows.
   */
  report(projectId: string, tokens: readonly Token[], seesServer: boolean): IngestReport {
    const nowMs = this.#now();
    this.#families.sweep(nowMs);
    const senders: SenderReport[] = [];
    const open = this.#senders.get(keyOf(projectId, ''));
    if (open !== undefined) senders.push(open.report(undefined, nowMs));
    for (const token of tokens) {
      if (token.projectId !== projectId) continue;
      const known = this.#senders.get(keyOf(projectId, token.id));
      if (known === undefined && (token.scope !== 'ingest' || token.revokedAt !== undefined)) continue;
      const lastMs = Math.max(known?.lastMs ?? 0, token.revokedAt ?? Infinity);
      if (token.revokedAt !== undefined && nowMs - lastMs > REVOKED_SHOWN_MS) continue;
      const { id, name, createdAt: createdMs, revokedAt: revokedMs } = token;
      const sender = known ?? new Sender(0, projectId, id);
      senders.push(sender.report({ id, name, createdMs, revokedMs }, nowMs));
    }
    const turnedAway = seesServer ? this.#senders.get(keyOf('', ''))?.report(undefined, nowMs) : undefined;
    return { projectId, senders: senders.sort(byNeed), turnedAway };
  }

  /** Counts since this process started, by project; '' are those who were turned away unknown. */
  projectTotals(): ReadonlyMap<string, Windows> {
    this.#families.sweep(this.#now());
    return this.#projects;
  }

  /** Unix milliseconds of the project's last request; 0 for none. */
  lastRequestMs(projectId: string): number {
    let lastMs = 0;
    for (const sender of this.#senders.values()) {
      if (sender.projectId === projectId) lastMs = Math.max(lastMs, sender.lastMs);
    }
    return lastMs;
  }

  /** Once a minute: orphans are judged, and what changed is written. */
  tick(): void {
    this.#families.sweep(this.#now());
    this.#save(SAVED_AT_ONCE);
  }

  /** Writes what changed, all of it; nothing is written afterwards. */
  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#rest);
    this.#save(MAX_SENDERS);
    clearTimeout(this.#rest);
  }

  #save(most: number): void {
    const { records, log } = this.#options;
    if (records === undefined) return;
    const changed = [...this.#senders.values()].filter(({ isChanged }) => isChanged);
    const some = changed.slice(0, most);
    if (some.length === 0) return;
    const nowMs = this.#now();
    try {
      records.save(
        some.map((sender) => sender.store(nowMs)),
        nowMs,
      );
    } catch (error) {
      // A full disk or a long lock: it is tried again in a minute, and ingest goes on.
      if (!this.#saveFailed) {
        log.warn('ingest health is not saved', {
          error: error instanceof Error ? error.message : String(error),
        });
      }
      this.#saveFailed = true;
      return;
    }
    this.#saveFailed = false;
    for (const sender of some) sender.isChanged = false;
    clearTimeout(this.#rest);
    if (changed.length > most) {
      this.#rest = setTimeout(() => this.#save(SAVED_AT_ONCE), SAVE_REST_AFTER_MS);
      this.#rest.unref();
    }
  }

  #senderOf(access: Access | undefined): Sender {
    const projectId = access?.projectId ?? '';
    const tokenId = access?.grant?.tokenId ?? '';
    const known = this.#senders.get(keyOf(projectId, tokenId));
    if (known !== undefined) return known;
    if (this.#senders.size >= MAX_SENDERS) this.#forgetOne();
    return this.#add(new Sender(this.#nextNumber++, projectId, tokenId));
  }

  #add(sender: Sender): Sender {
    this.#senders.set(keyOf(sender.projectId, sender.tokenId), sender);
    this.#byNumber.set(sender.number, sender);
    return sender;
  }

  #forgetOne(): void {
    const [key, oldest] = [...this.#senders].reduce((a, b) => (b[1].lastMs < a[1].lastMs ? b : a));
    this.#senders.delete(key);
    this.#byNumber.delete(oldest.number);
  }

  #projectOf(projectId: string, nowMs: number): Windows {
    let project = this.#projects.get(projectId);
    if (project === undefined) {
      project = new Windows();
      this.#projects.set(projectId, project);
    }
    project.advance(nowMs);
    return project;
  }

  #judged(number: number, sampled: number, orphans: number): void {
    const sender = this.#byNumber.get(number);
    if (sender === undefined) return;
    const nowMs = this.#now();
    sender.judged(sampled, orphans, nowMs);
    const project = this.#projectOf(sender.projectId, nowMs);
    project.add('sampledSpans', sampled);
    project.add('orphanSpans', orphans);
  }
}

/** Ids of tokens are unique, and no project's has a space. */
function keyOf(projectId: string, tokenId: string): string {
  return tokenId === '' ? ` ${projectId}` : tokenId;
}

function addFindings(project: Windows, findings: Findings): void {
  project.add('droppedAttributes', findings.droppedAttributes);
  project.add('droppedEvents', findings.droppedEvents);
  project.add('droppedLinks', findings.droppedLinks);
  project.add('cutValues', findings.cutValues);
  project.add('spansWithoutService', findings.withoutService);
  project.add('lateSpans', findings.late);
  project.add('futureSpans', findings.future);
}

const NEED: Readonly<Record<SenderState, number>> = { refusing: 0, receiving: 1, quiet: 2, never: 3 };

/** Who needs a look first; then who has a token that still counts; then by name. */
function byNeed(a: SenderReport, b: SenderReport): number {
  const revoked = Number(a.token?.revokedMs !== undefined) - Number(b.token?.revokedMs !== undefined);
  if (revoked !== 0) return revoked;
  if (a.state !== b.state) return NEED[a.state] - NEED[b.state];
  const [left, right] = [a.token?.name ?? '', b.token?.name ?? ''];
  return left < right ? -1 : left > right ? 1 : (a.token?.createdMs ?? 0) - (b.token?.createdMs ?? 0);
}
