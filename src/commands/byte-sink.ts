/** Bytes to a file, or to the standard output as fast as its reader takes them. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { CommandError } from './command.ts';

/** Whoever read the standard output has gone. */
export class ClosedPipeError extends Error {
  override readonly name = 'ClosedPipeError';
}

export class ByteSink {
  #waiting: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  /** Undefined is the standard output. Throws CommandError when the file can't be made. */
  static open(path: string | undefined): ByteSink {
    if (path === undefined) return new ByteSink(undefined);
    try {
      return new ByteSink(openSync(path, 'w', 0o640));
    } catch (error) {
      throw new CommandError(
        `can't write ${path}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  private constructor(private readonly descriptor: number | undefined) {
    // Without a listener a closed pipe would end the process.
    if (descriptor === undefined) process.stdout.on('error', this.#fail);
  }

  readonly #fail = (error: Error): void => {
    this.#failure = 'code' in error && error.code === 'EPIPE' ? new ClosedPipeError() : error;
  };

  write(bytes: Uint8Array): void {
    if (this.descriptor === undefined) {
      const written = Promise.withResolvers<void>();
      process.stdout.write(bytes, () => written.resolve());
      this.#waiting = written.promise;
      return;
    }
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.descriptor, bytes, done);
    } catch (error) {
      throw new CommandError(`can't write: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Resolves when all of it was taken. Throws ClosedPipeError. */
  async drained(): Promise<void> {
    await this.#waiting;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    await this.drained();
    if (this.descriptor === undefined) {
      process.stdout.off('error', this.#fail);
      return;
    }
    fsyncSync(this.descriptor);
    closeSync(this.descriptor);
  }
}
