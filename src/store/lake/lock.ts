/**
 * One process per data folder. The lock is SQLite's exclusive lock on a file of its own: the kernel drops
 * it when the process ends, however it ends. The process id stands beside it for the message.
 */
import { Database } from 'bun:sqlite';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOCK_FILE, LOCK_HOLDER_FILE } from './files/names.ts';

/** Another process works on the data folder. */
export class DataFolderInUseError extends Error {
  override readonly name = 'DataFolderInUseError';
}

/** The lock's file is no lock: nobody can hold it, and nothing in it is needed. */
export class LockDamagedError extends Error {
  override readonly name = 'LockDamagedError';
}

export interface FolderLock {
  release(): void;
}

export function lockFolder(dataDir: string): FolderLock {
  mkdirSync(dataDir, { recursive: true });
  const db = new Database(join(dataDir, LOCK_FILE), { create: true });
  try {
    db.run('PRAGMA busy_timeout = 0');
    // In WAL mode an exclusive transaction would let readers in; the default mode locks the file itself.
    db.run('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (hasCode(error, 'SQLITE_NOTADB') || hasCode(error, 'SQLITE_CORRUPT')) {
      throw new LockDamagedError(
        `${join(dataDir, LOCK_FILE)} is damaged: remove it, nothing in it is needed`,
      );
    }
    if (!hasCode(error, 'SQLITE_BUSY')) throw error;
    throw new DataFolderInUseError(`${dataDir} is in use by ${holder(dataDir)}`);
  }
  writeFileSync(join(dataDir, LOCK_HOLDER_FILE), `${process.pid}\n`);
  return {
    release() {
      db.run('ROLLBACK');
      db.close();
    },
  };
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function holder(dataDir: string): string {
  try {
    return `process ${readFileSync(join(dataDir, LOCK_HOLDER_FILE), 'utf8').trim()}`;
  } catch {
    return 'another process';
  }
}
