/**
 * What a question sees: the buffers and files of a project at one moment. A flush swaps a buffer for its
 * file in one step, so a reader of one snapshot sees each span once. Files that a rewrite replaced are
 * unlinked when the last snapshot that lists them is released.
 */
import type { SpanColumns } from '../../../span/columns.ts';
import type { QuarantinedFile } from '../../store-upkeep.ts';
import type { FileEntry } from './file-entry.ts';

export interface LakeSnapshot {
  readonly version: number;
  /** Only their first `publishedRows` rows may be read; the number grows while the snapshot is held. */
  readonly buffers: readonly SpanColumns[];
  readonly files: readonly FileEntry[];
  /** Files that the catalog lists and that are missing or damaged: an answer lacks them. */
  readonly quarantined: readonly QuarantinedFile[];
  /** Once, when the reader is done; until then no file of the snapshot is unlinked. */
  release(): void;
}

export interface ProjectState {
  readonly buffers: readonly SpanColumns[];
  readonly files: readonly FileEntry[];
  readonly quarantined: readonly QuarantinedFile[];
}

const EMPTY: ProjectState = { buffers: [], files: [], quarantined: [] };

/** A change of one project, applied as a whole. */
export interface SnapshotChange {
  readonly projectId: string;
  readonly addBuffers?: readonly SpanColumns[];
  readonly removeBuffers?: readonly SpanColumns[];
  readonly addFiles?: readonly FileEntry[];
  readonly removeFiles?: readonly FileEntry[];
  readonly quarantine?: readonly QuarantinedFile[];
  /** The same files with other entries, as when an index was made anew: nothing is unlinked. */
  readonly replaceFiles?: ReadonlyMap<FileEntry, FileEntry>;
}

interface Retired {
  readonly paths: readonly string[];
  /** The first version without these files. */
  readonly version: number;
}

export class Snapshots {
  private current = 0;
  private readonly projects = new Map<string, ProjectState>();
  /** Readers by the version that they hold. */
  private readonly pins = new Map<number, number>();
  private retired: Retired[] = [];

  /** `unlink` is called with the files that nobody can reach any more. */
  constructor(private readonly unlink: (paths: readonly string[]) => void) {}

  /** One more with every change: what was computed from a version holds while it does. */
  get version(): number {
    return this.current;
  }

  acquire(projectId: string): LakeSnapshot {
    const version = this.current;
    this.pins.set(version, (this.pins.get(version) ?? 0) + 1);
    let held = true;
    const release = () => {
      if (held) this.unpin(version);
      held = false;
    };
    return { ...(this.projects.get(projectId) ?? EMPTY), version, release };
  }

  /** For figures only: nothing is pinned. */
  states(): ReadonlyMap<string, ProjectState> {
    return this.projects;
  }

  state(projectId: string): ProjectState {
    return this.projects.get(projectId) ?? EMPTY;
  }

  publish(changes: readonly SnapshotChange[]): void {
    this.current++;
    for (const change of changes) {
      const before = this.state(change.projectId);
      const gone = new Set<unknown>([...(change.removeBuffers ?? []), ...(change.removeFiles ?? [])]);
      const quarantined = new Set(change.quarantine?.map(({ path }) => path));
      const replaced = (file: FileEntry) => change.replaceFiles?.get(file) ?? file;
      this.projects.set(change.projectId, {
        buffers: [...before.buffers.filter((buffer) => !gone.has(buffer)), ...(change.addBuffers ?? [])],
        files: [
          ...before.files.filter((file) => !gone.has(file) && !quarantined.has(file.path)).map(replaced),
          ...(change.addFiles ?? []),
        ],
        quarantined: [...before.quarantined, ...(change.quarantine ?? [])],
      });
      if (change.removeFiles !== undefined && change.removeFiles.length > 0) {
        this.retired.push({ paths: change.removeFiles.map((file) => file.path), version: this.current });
      }
    }
    this.collect();
  }

  private unpin(version: number): void {
    const left = (this.pins.get(version) ?? 0) - 1;
    if (left > 0) this.pins.set(version, left);
    else this.pins.delete(version);
    this.collect();
  }

  private collect(): void {
    if (this.retired.length === 0) return;
    const oldest = Math.min(this.current, ...this.pins.keys());
    const free = this.retired.filter((entry) => entry.version <= oldest);
    if (free.length === 0) return;
    this.retired = this.retired.filter((entry) => entry.version > oldest);
    this.unlink(free.flatMap((entry) => entry.paths));
  }
}
