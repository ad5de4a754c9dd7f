/**
 * For tests: a file system whose power goes at a planned call. Over a real folder, so that workers can read
 * it; beside it stands what a disk may hold that was never told to sync more than it was. Writes that no
 * datasync covered are dropped, kept, torn or left as zeros; names that no sync of their folder covered are
 * there or not, in any combination. Stricter than ext4 or XFS, which keep the order of names.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Random } from '../../../demo/random.ts';
import type { DirectoryEntry, DiskSpace, FileSystem, OpenFile } from '../files/file-system.ts';
import { logOver } from '../files/log-file.ts';
import type { LogFile } from '../files/log-file.ts';

type PendingWrite =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number };

interface Inode {
  /** What a datasync made sure of. */
  durable: Uint8Array;
  pending: PendingWrite[];
}

/** A change of names within a folder, which counts when that folder is synced. */
interface PendingName {
  readonly folder: string;
  readonly apply: (names: Map<string, Inode>, folders: Set<string>) => void;
}

/** Where the power goes: before or right after the nth call (from 0) that changes or syncs anything. */
export interface PowerPlan {
  readonly call: number;
  readonly when: 'before' | 'after';
}

export class PowerLossFileSystem implements FileSystem {
  /** Calls that change or sync anything. */
  calls = 0;
  isOff = false;
  private readonly names = new Map<string, Inode>();
  private readonly durableNames = new Map<string, Inode>();
  private readonly durableFolders: Set<string>;
  private pendingNames: PendingName[] = [];

  /**
   * `root`: an existing folder, durable and empty but for what the store does not keep through this.
   * `onOff` is called at once when the power goes: what is durable by other means is saved there.
   */
  constructor(
    private readonly real: FileSystem,
    private readonly root: string,
    private readonly plan: PowerPlan | undefined,
    private readonly onOff: () => void,
  ) {
    this.durableFolders = new Set([root]);
  }

  /** Writes to `target` what the disk holds after the power went, one of the many ways that may be. */
  restore(target: string, random: Random): void {
    const names = new Map(this.durableNames);
    const folders = new Set(this.durableFolders);
    for (const change of survivors(this.pendingNames, random)) change.apply(names, folders);
    const contents = new Map<Inode, Uint8Array>();
    for (const folder of [...folders].toSorted()) {
      if (this.isReachable(folder, folders)) mkdirSync(this.moved(folder, target), { recursive: true });
    }
    for (const [path, inode] of names) {
      if (!this.isReachable(dirname(path), folders)) continue;
      if (!contents.has(inode)) contents.set(inode, contentOf(inode, random));
      writeFileSync(this.moved(path, target), contents.get(inode) ?? new Uint8Array());
    }
  }

  private isReachable(folder: string, folders: ReadonlySet<string>): boolean {
    if (!folders.has(folder)) return false;
    return folder === this.root || this.isReachable(dirname(folder), folders);
  }

  private moved(path: string, target: string): string {
    return target + path.slice(this.root.length);
  }

  /** Runs a call, unless the power is gone or goes. `note` tells what of it is not durable yet. */
  private async run<T>(action: () => Promise<T>, note: (result: T) => void): Promise<T> {
    const call = this.calls++;
    if (this.plan?.call === call && this.plan.when === 'before') this.off();
    this.refuseWhenOff();
    const result = await action();
    // It may have gone while this call was under way.
    this.refuseWhenOff();
    note(result);
    if (this.plan?.call === call) this.off();
    return result;
  }

  private off(): void {
    this.isOff = true;
    this.onOff();
  }

  private refuseWhenOff(): void {
    if (this.isOff) throw Object.assign(new Error('EIO: the power is gone'), { code: 'EIO' });
  }

  private change(folder: string, apply: PendingName['apply']): void {
    this.pendingNames.push({ folder, apply });
  }

  private wrap(file: OpenFile, inode: Inode): OpenFile {
    return {
      write: (bytes, position) =>
        // Noted before it is done: a write that the power cuts off may be there in part.
        this.run(
          () => {
            inode.pending.push({ kind: 'write', position, bytes: bytes.slice() });
            return file.write(bytes, position);
          },
          () => {},
        ),
      datasync: () => {
        const covered = inode.pending.length;
        return this.run(
          () => file.datasync(),
          () => {
            inode.durable = inode.pending.slice(0, covered).reduce(applied, inode.durable);
            inode.pending = inode.pending.slice(covered);
          },
        );
      },
      truncate: (size) =>
        this.run(
          () => file.truncate(size),
          () => inode.pending.push({ kind: 'truncate', size }),
        ),
      close: () => file.close(),
    };
  }

  async create(path: string): Promise<OpenFile> {
    let inode: Inode | undefined;
    const file = await this.run(
      () => this.real.create(path),
      () => {
        const known = this.names.get(path);
        inode = known ?? { durable: new Uint8Array(), pending: [] };
        if (known !== undefined) known.pending.push({ kind: 'truncate', size: 0 });
        const made = inode;
        this.names.set(path, made);
        if (known === undefined) this.change(dirname(path), (names) => void names.set(path, made));
      },
    );
    if (inode === undefined) throw new Error(`${path} was created without a file`);
    return this.wrap(file, inode);
  }

  async createLog(path: string): Promise<LogFile> {
    return logOver(await this.create(path));
  }

  async open(path: string): Promise<OpenFile> {
    this.refuseWhenOff();
    const inode = this.names.get(path);
    if (inode === undefined) throw new Error(`${path} is not known to the double`);
    return this.wrap(await this.real.open(path), inode);
  }

  async makeFolder(path: string): Promise<void> {
    if (path === this.root || (await this.isFolder(path))) return;
    await this.makeFolder(dirname(path));
    await this.run(
      () => this.real.makeFolder(path),
      () => this.change(dirname(path), (_names, folders) => void folders.add(path)),
    );
  }

  private async isFolder(path: string): Promise<boolean> {
    const siblings = await this.real.list(dirname(path));
    return siblings.some(({ name, isDirectory }) => isDirectory && path.endsWith(`/${name}`));
  }

  async syncFolder(path: string): Promise<void> {
    const folder = path.replace(/\/\.$/, '');
    const covered = this.pendingNames.length;
    await this.run(
      () => this.real.syncFolder(path),
      () => {
        const isNow = (change: PendingName, i: number) => i < covered && change.folder === folder;
        for (const change of this.pendingNames.filter(isNow)) {
          change.apply(this.durableNames, this.durableFolders);
        }
        this.pendingNames = this.pendingNames.filter((change, i) => !isNow(change, i));
      },
    );
  }

  async rename(from: string, to: string): Promise<void> {
    await this.run(
      () => this.real.rename(from, to),
      () => {
        const inode = this.names.get(from);
        if (inode === undefined) throw new Error(`${from} is not known to the double`);
        this.names.delete(from);
        this.names.set(to, inode);
        this.change(dirname(to), (names) => {
          names.delete(from);
          names.set(to, inode);
        });
      },
    );
  }

  async unlink(path: string): Promise<void> {
    await this.run(
      () => this.real.unlink(path),
      () => {
        this.names.delete(path);
        this.change(dirname(path), (names) => void names.delete(path));
      },
    );
  }

  async read(path: string): Promise<Uint8Array> {
    this.refuseWhenOff();
    return this.real.read(path);
  }

  async readPieces(path: string, onPiece: (piece: Uint8Array) => void): Promise<void> {
    this.refuseWhenOff();
    return this.real.readPieces(path, onPiece);
  }

  async freeSpace(path: string): Promise<DiskSpace> {
    this.refuseWhenOff();
    return this.real.freeSpace(path);
  }

  async size(path: string): Promise<number | undefined> {
    this.refuseWhenOff();
    return this.real.size(path);
  }

  async list(path: string): Promise<DirectoryEntry[]> {
    this.refuseWhenOff();
    return this.real.list(path);
  }
}

/** All, none, the first few, or any: in their order. */
function survivors<T>(pending: readonly T[], random: Random): readonly T[] {
  switch (random.pick(['all', 'none', 'first', 'any'] as const)) {
    case 'all':
      return pending;
    case 'none':
      return [];
    case 'first':
      return pending.slice(0, random.between(0, pending.length));
    case 'any':
      return pending.filter(() => random.chance(0.5));
  }
}

function contentOf({ durable, pending }: Inode, random: Random): Uint8Array {
  let content = durable;
  for (const write of survivors(pending, random)) {
    if (write.kind === 'truncate' || random.chance(0.5)) {
      content = applied(content, write);
      continue;
    }
    // Torn: some first bytes came; the file may have grown to its full size with zeros.
    const length = random.between(0, write.bytes.length);
    if (random.chance(0.5)) {
      content = applied(content, { ...write, bytes: write.bytes.map((byte, i) => (i < length ? byte : 0)) });
    } else {
      content = applied(content, { ...write, bytes: write.bytes.subarray(0, length) });
    }
  }
  return content;
}

function applied(content: Uint8Array, write: PendingWrite): Uint8Array {
  const size =
    write.kind === 'truncate' ? write.size : Math.max(content.length, write.position + write.bytes.length);
  const result = new Uint8Array(size);
  result.set(content.subarray(0, size));
  if (write.kind === 'write') result.set(write.bytes, write.position);
  return result;
}
