/** Files out of the page cache, without root: the kernel drops clean pages that it is told are not needed. */
import { closeSync, fdatasyncSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dlopen } from 'bun:ffi';

const POSIX_FADV_DONTNEED = 4;
const WHOLE_FILE = 0;

/** False where the C library is not glibc's: what is called cold is then a new process with a warm page cache. */
export function dropFromPageCache(folder: string): boolean {
  try {
    const libc = dlopen('libc.so.6', {
      posix_fadvise: { args: ['i32', 'i64', 'i64', 'i32'], returns: 'i32' },
    });
    const failures = filesOf(folder).map((file) => {
      const descriptor = openSync(file, 'r');
      // A page that is not yet on disk would stay.
      fdatasyncSync(descriptor);
      const result = libc.symbols.posix_fadvise(descriptor, WHOLE_FILE, WHOLE_FILE, POSIX_FADV_DONTNEED);
      closeSync(descriptor);
      return result;
    });
    libc.close();
    return failures.every((result) => result === 0);
  } catch {
    return false;
  }
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => statSync(file).isFile());
}
