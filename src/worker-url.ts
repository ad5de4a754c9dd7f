/**
 * Where a worker's file is, in both forms of the program: as sources, and inside the compiled binary,
 * where every module's `import.meta.url` is the binary's root and entry points keep their path below src.
 * That holds only as long as this file lies directly in src.
 *
 * @param path the worker's path below src, as `./store/lake/write/writer-worker.ts`
 */
export function workerUrl(path: `./${string}-worker.ts`): URL {
  return new URL(path, import.meta.url);
}
