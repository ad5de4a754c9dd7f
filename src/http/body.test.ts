import { expect, test } from 'bun:test';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Admission } from './admission.ts';
import type { Hold } from './admission.ts';
import { BodyError, BodyTooLargeError, contentEncoding, decompress, readBody } from './body.ts';

const LIMIT = 16 * 1024 * 1024;
const COMPRESS = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync };
const ENCODINGS = ['gzip', 'deflate', 'zstd'] as const;

/** A place with room for everything here. */
function hold(): Hold {
  return new Admission({ budgetBytes: 1024 ** 3 }).place('default', undefined);
}

/** What a promise fails with. */
function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Noise in a third of the bytes, so that it stays large when compressed. */
function content(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 3) bytes[at] = (at * 2_654_435_761) >>> 24;
  return bytes;
}

/** Below and above what is decompressed on the spot, and around whole chunks. */
const LENGTHS = [0, 1, 1000, 1024 ** 2 - 1, 1024 ** 2, 1024 ** 2 + 1, 5 * 1024 ** 2, LIMIT];

test.each(ENCODINGS)('%s: what was compressed comes back, up to the limit', async (encoding) => {
  for (const length of LENGTHS) {
    const plain = content(length);
    const back = await decompress(COMPRESS[encoding](plain), encoding, LIMIT, hold());
    expect(back.length).toBe(length);
    expect(Buffer.compare(back, plain)).toBe(0);
  }
});

test.each(ENCODINGS)('%s: one byte over the limit is refused', async (encoding) => {
  for (const limit of [0, 1000, 2 * 1024 ** 2, LIMIT]) {
    const compressed = COMPRESS[encoding](content(limit + 1));
    expect(await failure(decompress(compressed, encoding, limit, hold()))).toBeInstanceOf(BodyTooLargeError);
  }
});

test.each(ENCODINGS)('%s: damaged and cut bodies are told apart from large ones', async (encoding) => {
  for (const length of [1000, 6 * 1024 ** 2]) {
    const compressed = COMPRESS[encoding](content(length));
    expect(await failure(decompress(compressed.subarray(0, -8), encoding, LIMIT, hold()))).toBeInstanceOf(
      BodyError,
    );
    expect(await failure(decompress(content(length).fill(7, 0, 9), encoding, LIMIT, hold()))).toBeInstanceOf(
      BodyError,
    );
  }
});

test('gzip of several members is one body', async () => {
  for (const length of [1000, 3 * 1024 ** 2]) {
    const plain = content(length);
    const members = [plain.subarray(0, 500), plain.subarray(500)].map((part) => gzipSync(part));
    const back = await decompress(Buffer.concat(members), 'gzip', LIMIT, hold());
    expect(Buffer.compare(back, plain)).toBe(0);
  }
});

test('names of encodings', () => {
  const cases: [string | null, string | undefined][] = [
    [null, 'identity'],
    ['', 'identity'],
    [' GZip ', 'gzip'],
    ['zstd', 'zstd'],
    ['deflate', 'deflate'],
    ['br', undefined],
    ['gzip, gzip', undefined],
    ['toString', undefined],
  ];
  for (const [header, encoding] of cases) expect(contentEncoding(header)).toBe(encoding as never);
});

test('a body that comes in pieces without a length stops at the limit', async () => {
  let pulled = 0;
  const endless = new ReadableStream({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(1000));
    },
  });
  const request = new Request('http://localhost/', { method: 'POST', body: endless });
  expect(await failure(readBody(request, 10_000, hold()))).toBeInstanceOf(BodyTooLargeError);
  expect(pulled).toBeLessThan(20);
});

test('many large bodies at once, good and bad, each have their own answer', async () => {
  const plain = content(5 * 1024 ** 2);
  const good = gzipSync(plain);
  const results = await Promise.all(
    Array.from({ length: 30 }, (_, n) => {
      if (n % 3 === 0) return decompress(good, 'gzip', LIMIT, hold()).then((back) => back.length);
      if (n % 3 === 1) return failure(decompress(good, 'gzip', 4 * 1024 ** 2 + 1, hold()));
      return failure(decompress(good.subarray(0, -9), 'gzip', LIMIT, hold()));
    }),
  );
  for (const [n, result] of results.entries()) {
    if (n % 3 === 0) expect(result).toBe(plain.length);
    else expect(result).toBeInstanceOf(n % 3 === 1 ? BodyTooLargeError : BodyError);
  }
});
