import { describe, expect, test } from 'bun:test';
import { MAX_TAILS } from '../../limits.ts';
import { Tails } from './tails.ts';
import type { TailWork } from './tails.ts';

const never = new AbortController().signal;

function work(given: Partial<TailWork> = {}): TailWork {
  return {
    mayGoOn: () => true,
    next: () => Promise.resolve(''),
    last: (end) => Promise.resolve(`ended: ${end}`),
    ...given,
  };
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}

const END = 'event: end\ndata: \n\n';

describe('live tails', () => {
  test('each line of an event is a line of data', async () => {
    const tails = new Tails(1);
    const texts = ['a\nb\r\nc'];
    const stream = tails.stream(
      work({ mayGoOn: () => texts.length > 0, next: () => Promise.resolve(texts.pop() ?? '') }),
      never,
    );
    expect(await textOf(stream)).toBe(
      `: watching\n\ndata: a\ndata: b\ndata: c\n\ndata: ended: revoked\n\n${END}`,
    );
    expect(tails.count).toBe(0);
  });

  test('a stop of the server ends all of them, and says so', async () => {
    const tails = new Tails(60_000);
    const texts = [textOf(tails.stream(work(), never)), textOf(tails.stream(work(), never))];
    expect(tails.count).toBe(2);
    tails.stop();
    for (const text of texts) expect(await text).toEndWith(`data: ended: server\n\n${END}`);
    expect(tails.count).toBe(0);
  });

  test('a question that fails ends its tail', async () => {
    const tails = new Tails(1);
    const stream = tails.stream(work({ next: () => Promise.reject(new Error('broken')) }), never);
    expect(await textOf(stream)).toEndWith(`data: ended: failed\n\n${END}`);
    expect(tails.count).toBe(0);
  });

  test('who leaves frees the place, and the question under way is called off', async () => {
    const tails = new Tails(1);
    const asked: AbortSignal[] = [];
    const next = (signal: AbortSignal): Promise<string> => {
      asked.push(signal);
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(''), { once: true });
      });
    };
    const reader = tails.stream(work({ next }), never).getReader();
    await reader.read();
    await reader.cancel();
    expect(tails.count).toBe(0);
    expect(asked.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test('a request that is gone ends its tail without a word', async () => {
    const tails = new Tails(1);
    const request = new AbortController();
    const stream = tails.stream(work(), request.signal);
    request.abort();
    expect(tails.count).toBe(0);
    await stream.cancel();
  });

  test('there are at most so many', () => {
    const tails = new Tails(60_000);
    for (let i = 0; i < MAX_TAILS; i++) {
      expect(tails.isFull).toBe(false);
      tails.stream(work(), never);
    }
    expect(tails.isFull).toBe(true);
    tails.stop();
    expect(tails.isFull).toBe(false);
  });
});
