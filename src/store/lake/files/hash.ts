/**
 * The hash of a file's bytes: xxHash3 over blocks of 4 MiB, each seeded with the hash before it, 16 hex
 * digits. 64 MiB take 1 ms; a file of any size is hashed as it is written or read, a block at a time. For a
 * file of one block it is its plain xxHash3. Against damage, not against forgers.
 */
const BLOCK_BYTES = 4 * 1024 * 1024;

/** Files of format 1 were hashed in one piece; the catalog's migration marks those where that differs. */
const IN_ONE_PIECE = 'plain:';

export function contentHash(bytes: Uint8Array): string {
  const hasher = ContentHasher.create();
  hasher.update(bytes);
  return hasher.digest();
}

export class ContentHasher {
  #hash = 0n;
  /** What does not fill a block yet, copied: its owner may fill the memory anew, or hand it on. */
  #rest: Uint8Array = new Uint8Array(0);
  #restBytes = 0;
  #blocks = 0;

  private constructor(
    private readonly blockBytes: number,
    private readonly prefix: string,
  ) {}

  static create(): ContentHasher {
    return new ContentHasher(BLOCK_BYTES, '');
  }

  /** One whose digest can be compared with a stored hash. */
  static like(stored: string): ContentHasher {
    return stored.startsWith(IN_ONE_PIECE)
      ? new ContentHasher(Infinity, IN_ONE_PIECE)
      : ContentHasher.create();
  }

  update(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length;) {
      const part = bytes.subarray(from, from + this.blockBytes - this.#restBytes);
      from += part.length;
      if (part.length === this.blockBytes) this.#block(part);
      else this.#keep(part);
    }
  }

  digest(): string {
    if (this.#restBytes > 0 || this.#blocks === 0) this.#block(this.#rest.subarray(0, this.#restBytes));
    return this.prefix + this.#hash.toString(16).padStart(16, '0');
  }

  #keep(part: Uint8Array): void {
    const bytes = this.#restBytes + part.length;
    if (bytes > this.#rest.length) {
      // One array serves block after block.
      const larger = new Uint8Array(Math.min(this.blockBytes, Math.max(bytes, this.#rest.length * 2)));
      larger.set(this.#rest.subarray(0, this.#restBytes));
      this.#rest = larger;
    }
    this.#rest.set(part, this.#restBytes);
    this.#restBytes = bytes;
    if (bytes === this.blockBytes) this.#block(this.#rest);
  }

  #block(block: Uint8Array): void {
    this.#hash = Bun.hash.xxHash3(block, this.#hash);
    this.#restBytes = 0;
    this.#blocks++;
  }
}
