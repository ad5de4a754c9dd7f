/** What the halves of a lake share: made once, when it is opened. */
import type { Database } from 'bun:sqlite';
import type { FileSystem } from './files/file-system.ts';
import type { Snapshots } from './files/snapshot.ts';
import type { Clock } from './write/clock.ts';

export interface LakeParts {
  /** Absolute, or relative to the working folder. */
  readonly dataDir: string;
  readonly catalog: Database;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly snapshots: Snapshots;
  /** Told of damage found, and of what failed in the background. */
  readonly report: (problem: string) => void;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
