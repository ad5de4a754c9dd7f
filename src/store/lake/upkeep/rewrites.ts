/**
 * Files of a partition replaced by one: the protocol that compaction, retention and deletion share. Until
 * the catalog's transaction the inputs count, from then on the output does; a crash before it leaves files
 * that the catalog names as garbage, a crash after it inputs that it names so, and a start removes both.
 */
import { SPANS } from '../../../span/schema.ts';
import { announceRewrite, commitRewrite, forgetGarbage } from '../files/catalog-files.ts';
import type { RewriteCommit } from '../files/catalog-files.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { contentHash } from '../files/hash.ts';
import { parquetName, partitionFolder, pathsOf } from '../files/names.ts';
import { COMPACTED_ROW_GROUP_ROWS } from '../files/parquet-writer.ts';
import { messageOf } from '../parts.ts';
import type { LakeParts } from '../parts.ts';
import { damageOf, quarantine } from './quarantine.ts';
import type { Drop, RewriteInput, RewriteJob, RewriteResult } from '../merge/rewrite-job.ts';
import { RewriteOutput } from './rewrite-output.ts';

export interface RewriteRequest {
  readonly projectId: string;
  /** Of one day, and listed now. */
  readonly inputs: readonly FileEntry[];
  readonly drop: Drop;
  /** Inside the catalog's transaction, after the files: an audit record. What it throws undoes all. */
  readonly also?: (outcome: RewriteOutcome) => void;
}

export interface RewriteOutcome {
  /** Of the output; 0: there is none. */
  readonly rows: number;
  readonly dropped: number;
  readonly duplicates: number;
  /** Bytes of the inputs and of what stands beside them, less those of the output; may be negative. */
  readonly freedBytes: number;
  /** Inputs that proved damaged: they were quarantined and are not in the output. */
  readonly damaged: readonly FileEntry[];
}

/** The disk has no room for the output. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}

/** The part of `Rewriter` that is needed here. */
export interface FileRewriter {
  rewrite(job: RewriteJob, write: (bytes: Uint8Array) => Promise<void>): Promise<RewriteResult>;
}

export interface RewritesParts extends LakeParts {
  readonly rewriter: FileRewriter;
  /** Bytes of the disk that only removals may use. */
  readonly reserveBytes: () => number;
  /** Told of each rewrite that was committed. */
  readonly onDone: (outcome: RewriteOutcome) => void;
}

/** Removing spans makes room, so it may use most of the reserve. */
const REMOVAL_SHARE_OF_RESERVE = 0.25;

export class Rewrites {
  constructor(private readonly parts: RewritesParts) {}

  /** Resolves when the output counts. Throws NoRoomError, and whatever failed: then the inputs count. */
  async rewrite({ projectId, inputs, drop, also }: RewriteRequest): Promise<RewriteOutcome> {
    this.checkListed(projectId, inputs);
    const sorted = inputs.toSorted((a, b) => a.firstSequence - b.firstSequence);
    const { sound, damaged } = await this.checkHashes(sorted);
    if (sound.length === 0) return { rows: 0, dropped: 0, duplicates: 0, freedBytes: 0, damaged };
    await this.checkRoom(sound, drop);
    const { catalog, clock, files, dataDir } = this.parts;
    const target = this.target(sound);
    announceRewrite(catalog, pathsOf(target.path), clock.wallMs());
    const output = new RewriteOutput(files, dataDir, target.path);
    const job = this.job(sound, drop, target);
    let result: RewriteResult;
    try {
      result = await this.parts.rewriter.rewrite(job, (chunk) => output.write(chunk));
      checkRows(sound, result);
      if (result.rows > 0) await output.finish(result);
    } catch (error) {
      await this.discard(output, target.path);
      throw error;
    }
    const entry = entryOf(sound, target, result);
    const added = entry === undefined ? [] : [entry];
    const outcome = {
      rows: result.rows,
      dropped: result.dropped,
      duplicates: result.duplicates,
      freedBytes: sizeOf(sound) - sizeOf(added),
      damaged,
    };
    let isUnknown = false;
    try {
      // The scrub may have found an input damaged meanwhile: its rows must not go on with a good hash.
      this.checkListed(projectId, sound);
      const rollups = new Map(added.map(({ path }) => [path, result.rollup]));
      this.commit(projectId, { add: added, remove: sound, rollups }, () => {
        also?.(outcome);
        isUnknown = true;
      });
    } catch (error) {
      // When the last step failed, whether the disk has the transaction is unknown: the output stays until
      // the next start. Else nothing refers to it; a catalog that stays locked must not fill the disk. Its
      // name stays garbage until then: to ask a locked catalog again would stop everything for seconds.
      if (!isUnknown) await output.discard().catch((problem: unknown) => this.tellLeft(target.path, problem));
      throw error;
    }
    if (entry === undefined) await this.discard(output, target.path);
    this.parts.onDone(outcome);
    return outcome;
  }

  /** Whole files, without reading them. */
  async remove(
    files: readonly FileEntry[],
    also?: (outcome: RewriteOutcome) => void,
  ): Promise<RewriteOutcome> {
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    const outcome = { rows: 0, dropped: rows, duplicates: 0, freedBytes: sizeOf(files), damaged: [] };
    if (files.length === 0) return outcome;
    const [{ projectId }] = files;
    this.checkListed(projectId, files);
    this.commit(projectId, { add: [], remove: files }, () => also?.(outcome));
    return outcome;
  }

  private checkListed(projectId: string, files: readonly FileEntry[]): void {
    const listed = new Set(this.parts.snapshots.state(projectId).files);
    const gone = files.find((file) => !listed.has(file));
    if (gone !== undefined) throw new RangeError(`${gone.path} is not among the files of ${projectId}`);
  }

  /** A damaged input would make a damaged output with a good hash. */
  private async checkHashes(inputs: readonly FileEntry[]) {
    const sound: FileEntry[] = [];
    const damaged: FileEntry[] = [];
    for (const file of inputs) {
      const damage = await damageOf(this.parts.files, `${this.parts.dataDir}/${file.path}`, file);
      if (damage === undefined) sound.push(file);
      else {
        damaged.push(file);
        quarantine(this.parts, file, damage, true);
      }
    }
    return { sound, damaged };
  }

  private async checkRoom(inputs: readonly FileEntry[], drop: Drop): Promise<void> {
    const { files, dataDir, reserveBytes } = this.parts;
    const reserve = reserveBytes() * (drop.kind === 'nothing' ? 1 : REMOVAL_SHARE_OF_RESERVE);
    const { freeBytes } = await files.freeSpace(dataDir);
    const needed = sizeOf(inputs);
    if (freeBytes - needed >= reserve) return;
    throw new NoRoomError(
      `no room to rewrite ${inputs.length} files of ${needed} bytes: ${freeBytes} bytes are free, ` +
        `${Math.round(reserve)} are kept`,
    );
  }

  /** A name that nothing has: a file that was quarantined or waits to be unlinked may have the next one. */
  private target(inputs: readonly FileEntry[]): Target {
    const [{ projectId, day }] = inputs;
    const folder = partitionFolder(projectId, day);
    const firstSequence = Math.min(...inputs.map((file) => file.firstSequence));
    const lastSequence = Math.max(...inputs.map((file) => file.lastSequence));
    const taken = this.parts.catalog.query<{ path: string }, [string, string]>(
      'SELECT path FROM files WHERE path = ? UNION SELECT path FROM garbage WHERE path = ?',
    );
    let level = Math.max(...inputs.map((file) => file.level)) + 1;
    const path = () => `${folder}/${parquetName(firstSequence, lastSequence, level)}`;
    while (taken.get(path(), path()) !== null) level++;
    return { path: path(), level, firstSequence, lastSequence };
  }

  private job(inputs: readonly FileEntry[], drop: Drop, target: Target): RewriteJob {
    const toInput = (file: FileEntry): RewriteInput => ({
      path: `${this.parts.dataDir}/${file.path}`,
      rows: file.rows,
      rowGroups: file.rowGroups,
      promoted: file.promoted,
      attributeKeys: file.attributeKeys,
      attributeKeysWhole: file.attributeKeysWhole,
    });
    return {
      inputs: inputs.map(toInput),
      peers: this.peers(inputs).map(toInput),
      drop,
      rowGroupRows: COMPACTED_ROW_GROUP_ROWS,
      metadata: metadataOf(inputs, target),
    };
  }

  /**
   * Files that may hold a row of the inputs again. Only rewritten ones: of two flushed files the one that is
   * rewritten later meets the other as such; and rewritten inputs were compared with all others before.
   */
  private peers(inputs: readonly FileEntry[]): FileEntry[] {
    const flushed = inputs.filter((file) => file.level === 0);
    if (flushed.length === 0) return [];
    const [{ projectId, day }] = inputs;
    const own = new Set(inputs);
    return this.parts.snapshots
      .state(projectId)
      .files.filter((file) => file.day === day && file.level > 0 && !own.has(file))
      .filter((file) => flushed.some((one) => overlapInTime(one, file)));
  }

  private commit(
    projectId: string,
    change: Pick<RewriteCommit, 'add' | 'remove' | 'rollups'>,
    also: () => void,
  ): void {
    const { catalog, clock, snapshots } = this.parts;
    commitRewrite(catalog, { ...change, table: SPANS.name, nowMs: clock.wallMs(), also });
    snapshots.publish([{ projectId, addFiles: change.add, removeFiles: change.remove }]);
  }

  private async discard(output: RewriteOutput, path: string): Promise<void> {
    try {
      await output.discard();
      forgetGarbage(this.parts.catalog, pathsOf(path));
    } catch (error) {
      this.tellLeft(path, error);
    }
  }

  private tellLeft(path: string, error: unknown): void {
    this.parts.report(`can't remove ${path}, the next start will: ${messageOf(error)}`);
  }
}

interface Target {
  readonly path: string;
  readonly level: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
}

/** Enough to make the catalog's row anew, and to tell that the inputs are not to be counted beside it. */
function metadataOf(inputs: readonly FileEntry[], target: Target): ReadonlyMap<string, string> {
  const [{ projectId, day }] = inputs;
  return new Map([
    ['spanlake.table', SPANS.name],
    ['spanlake.project', projectId],
    ['spanlake.day', day],
    ['spanlake.level', String(target.level)],
    ['spanlake.first_sequence', String(target.firstSequence)],
    ['spanlake.last_sequence', String(target.lastSequence)],
    ['spanlake.created_at', String(latest(inputs))],
    ['spanlake.inputs', JSON.stringify(inputs.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)))],
  ]);
}

function entryOf(inputs: readonly FileEntry[], target: Target, result: RewriteResult): FileEntry | undefined {
  if (result.rows === 0) return undefined;
  const { statistics } = result;
  if (statistics === undefined) throw new Error(`${target.path}: ${result.rows} rows without statistics`);
  const [{ projectId, day }] = inputs;
  return {
    ...statistics,
    ...target,
    projectId,
    day,
    rows: result.rows,
    bytes: result.bytes,
    hash: result.hash,
    traceIndexBytes: result.traceIndex.length,
    traceIndexHash: contentHash(result.traceIndex),
    tokenIndexBytes: result.tokenIndex.length,
    tokenIndexHash: result.tokenIndex.length === 0 ? '' : contentHash(result.tokenIndex),
    createdAtMs: latest(inputs),
  };
}

/** Each row of the inputs is in the output, or was left out for a reason. */
function checkRows(inputs: readonly FileEntry[], { rows, dropped, duplicates, statistics }: RewriteResult) {
  const given = inputs.reduce((sum, file) => sum + file.rows, 0);
  const counted = statistics?.rowGroups.reduce((sum, group) => sum + group.rows, 0) ?? 0;
  if (rows + dropped + duplicates === given && counted === rows) return;
  throw new Error(
    `a rewrite of ${given} rows gave ${rows} (${counted} in its row groups), ${dropped} dropped, ${duplicates} doubles`,
  );
}

function overlapInTime(a: FileEntry, b: FileEntry): boolean {
  return a.minStartUnixNano <= b.maxStartUnixNano && b.minStartUnixNano <= a.maxStartUnixNano;
}

function latest(inputs: readonly FileEntry[]): number {
  return Math.max(...inputs.map((file) => file.createdAtMs));
}

/** Bytes of files and of what stands beside them. */
export function sizeOf(files: readonly FileEntry[]): number {
  return files.reduce((sum, file) => sum + file.bytes + file.traceIndexBytes + file.tokenIndexBytes, 0);
}
