/** For tests: a file system that counts its calls, and fails those that it is told to. */
import type { DirectoryEntry, DiskSpace, FileSystem, OpenFile } from '../files/file-system.ts';
import { logOver } from '../files/log-file.ts';
import type { LogFile } from '../files/log-file.ts';

export type FileCall =
  | 'create'
  | 'open'
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'close'
  | 'read'
  | 'size'
  | 'list'
  | 'makeFolder'
  | 'syncFolder'
  | 'rename'
  | 'unlink'
  | 'freeSpace';

interface Fault {
  readonly call: FileCall | 'any';
  readonly code: string;
  /** Bytes that a failing write leaves in the file. */
  readonly tornBytes: number;
  /** Calls that still succeed. */
  skip: number;
  /** Calls that fail. */
  times: number;
}

export class FaultyFileSystem implements FileSystem {
  private readonly counts = new Map<FileCall, number>();
  private fault: Fault | undefined;
  private failures = 0;

  constructor(private readonly real: FileSystem) {}

  count(call: FileCall): number {
    return this.counts.get(call) ?? 0;
  }

  /** Calls of every kind. */
  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Every such call fails from now on; a failing write leaves `tornBytes` behind. */
  failFrom(call: FileCall | 'any', code: string, tornBytes = 0): void {
    this.fault = { call, code, tornBytes, skip: 0, times: Infinity };
  }

  /** The nth call (from 0) of any kind fails, once or from then on. */
  failNth(n: number, code: string, times = 1): void {
    this.fault = { call: 'any', code, tornBytes: 3, skip: n, times };
  }

  heal(): void {
    this.fault = undefined;
  }

  /** True when a planned fault has happened. */
  get hasFailed(): boolean {
    return this.failures > 0;
  }

  private enter(call: FileCall): Fault | undefined {
    this.counts.set(call, this.count(call) + 1);
    const fault = this.fault;
    if (fault === undefined || (fault.call !== 'any' && fault.call !== call)) return undefined;
    if (fault.skip > 0) {
      fault.skip--;
      return undefined;
    }
    if (fault.times <= 0) return undefined;
    fault.times--;
    this.failures++;
    return fault;
  }

  private run<T>(call: FileCall, action: () => Promise<T>): Promise<T> {
    const fault = this.enter(call);
    return fault === undefined ? action() : Promise.reject(failure(call, fault.code));
  }

  private wrap(file: OpenFile): OpenFile {
    return {
      write: async (bytes, position) => {
        const fault = this.enter('write');
        if (fault === undefined) return file.write(bytes, position);
        await file.write(bytes.subarray(0, fault.tornBytes), position);
        throw failure('write', fault.code);
      },
      datasync: () => this.run('datasync', () => file.datasync()),
      truncate: (size) => this.run('truncate', () => file.truncate(size)),
      close: async () => {
        // A descriptor is gone even when close fails.
        await file.close();
        return this.run('close', () => Promise.resolve());
      },
    };
  }

  create(path: string): Promise<OpenFile> {
    return this.run('create', async () => this.wrap(await this.real.create(path)));
  }
  async createLog(path: string): Promise<LogFile> {
    return logOver(await this.create(path));
  }
  open(path: string): Promise<OpenFile> {
    return this.run('open', async () => this.wrap(await this.real.open(path)));
  }
  read(path: string): Promise<Uint8Array> {
    return this.run('read', () => this.real.read(path));
  }
  readPieces(path: string, onPiece: (piece: Uint8Array) => void): Promise<void> {
    return this.run('read', () => this.real.readPieces(path, onPiece));
  }
  size(path: string): Promise<number | undefined> {
    return this.run('size', () => this.real.size(path));
  }
  list(path: string): Promise<DirectoryEntry[]> {
    return this.run('list', () => this.real.list(path));
  }
  makeFolder(path: string): Promise<void> {
    return this.run('makeFolder', () => this.real.makeFolder(path));
  }
  syncFolder(path: string): Promise<void> {
    return this.run('syncFolder', () => this.real.syncFolder(path));
  }
  rename(from: string, to: string): Promise<void> {
    return this.run('rename', () => this.real.rename(from, to));
  }
  unlink(path: string): Promise<void> {
    return this.run('unlink', () => this.real.unlink(path));
  }
  freeSpace(path: string): Promise<DiskSpace> {
    return this.run('freeSpace', () => this.real.freeSpace(path));
  }
}

function failure(call: FileCall, code: string): Error {
  return Object.assign(new Error(`${code}: ${call} fails on purpose`), { code });
}
