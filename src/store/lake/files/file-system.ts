/**
 * The file operations that durability rests on, behind one interface, so that tests can make each call
 * fail, tear or forget. Object storage would be a second implementation. Paths are absolute.
 */
import { close, constants, fdatasync, fsync, ftruncate, open, read, write } from 'node:fs';
import { mkdir, readFile, readdir, rename, stat, statfs, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { logOver, openLog } from './log-file.ts';
import type { LogFile } from './log-file.ts';

export interface OpenFile {
  /** Writes all of it at `position`, or throws. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** The bytes and the size are on disk when it resolves. */
  datasync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

export interface DiskSpace {
  /** For this user: what the system keeps for root is not counted. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface FileSystem {
  /** Creates or empties a file. */
  create(path: string): Promise<OpenFile>;
  /** Creates or empties a log. */
  createLog(path: string): Promise<LogFile>;
  /** Opens a file that exists. */
  open(path: string): Promise<OpenFile>;
  read(path: string): Promise<Uint8Array>;
  /** The file's bytes in order, PIECE_BYTES at a time; a piece's memory is filled anew after the call. */
  readPieces(path: string, onPiece: (piece: Uint8Array) => void): Promise<void>;
  /** Undefined when there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** Empty when there is no such folder. */
  list(path: string): Promise<DirectoryEntry[]>;
  /** With all folders above. */
  makeFolder(path: string): Promise<void>;
  /** New names in the folder are on disk when it resolves. */
  syncFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** No error when there is no such file. */
  unlink(path: string): Promise<void>;
  /** Of the disk that holds the path. */
  freeSpace(path: string): Promise<DiskSpace>;
}

/** The blocks that are hashed (hash.ts), so that none is copied; read and hashed in 2 ms. */
export const PIECE_BYTES = 4 * 1024 * 1024;

const openAsync = promisify(open);
const closeAsync = promisify(close);
const fsyncAsync = promisify(fsync);
const fdatasyncAsync = promisify(fdatasync);
const ftruncateAsync = promisify(ftruncate);

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function writeSome(descriptor: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, 0, bytes.length, position, (error, written) => {
      if (error) reject(error);
      else resolve(written);
    });
  });
}

function readSome(descriptor: number, into: Uint8Array, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, into, at, into.length - at, position, (error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });
}

class RealFile implements OpenFile {
  constructor(private readonly descriptor: number) {}

  async write(bytes: Uint8Array, position: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const written = await writeSome(this.descriptor, bytes.subarray(done), position + done);
      if (written === 0) throw new Error(`wrote 0 of ${bytes.length - done} bytes`);
      done += written;
    }
  }

  datasync(): Promise<void> {
    return fdatasyncAsync(this.descriptor);
  }

  truncate(size: number): Promise<void> {
    return ftruncateAsync(this.descriptor, size);
  }

  close(): Promise<void> {
    return closeAsync(this.descriptor);
  }
}

export const realFileSystem: FileSystem = {
  async create(path) {
    return new RealFile(
      await openAsync(path, constants.O_CREAT | constants.O_TRUNC | constants.O_RDWR, 0o640),
    );
  },
  async createLog(path) {
    // Elsewhere the flag is missing, or promises less than a sync.
    return process.platform === 'linux' ? openLog(path) : logOver(await realFileSystem.create(path));
  },
  async open(path) {
    return new RealFile(await openAsync(path, constants.O_RDWR));
  },
  async read(path) {
    return readFile(path);
  },
  async readPieces(path, onPiece) {
    const descriptor = await openAsync(path, constants.O_RDONLY);
    try {
      const piece = new Uint8Array(PIECE_BYTES);
      for (let position = 0, ended = false; !ended;) {
        let filled = 0;
        while (filled < piece.length && !ended) {
          const count = await readSome(descriptor, piece, filled, position + filled);
          filled += count;
          ended = count === 0;
        }
        if (filled > 0) onPiece(piece.subarray(0, filled));
        position += filled;
      }
    } finally {
      await closeAsync(descriptor);
    }
  },
  async size(path) {
    try {
      const found = await stat(path);
      return found.isFile() ? found.size : undefined;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  },
  async list(path) {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    }
  },
  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: 0o750 });
  },
  async syncFolder(path) {
    const descriptor = await openAsync(path, constants.O_RDONLY);
    try {
      await fsyncAsync(descriptor);
    } finally {
      await closeAsync(descriptor);
    }
  },
  rename,
  async unlink(path) {
    try {
      await unlink(path);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  },
  async freeSpace(path) {
    const { bavail, blocks, bsize } = await statfs(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },
};

/** Writes a file so that it is whole on disk under its name, or not there under it: temp, sync, rename. */
export async function writeWhole(
  files: FileSystem,
  path: string,
  bytes: Uint8Array,
  check: (written: Uint8Array) => void,
): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX;
  const file = await files.create(temporary);
  try {
    await file.write(bytes, 0);
    await file.datasync();
  } finally {
    await file.close();
  }
  check(await files.read(temporary));
  await files.rename(temporary, path);
}

/** Files with it are leftovers of a crash, and no reader's glob of `*.parquet` matches them. */
export const TEMPORARY_SUFFIX = '.tmp';
