import { expect, test } from 'bun:test';
import { listenForStop } from './signals.ts';

test('the first signal stops, those right after it are the same, a later one forces', async () => {
  let time = 0;
  let forced = 0;
  const request = listenForStop(
    () => forced++,
    () => time,
  );
  try {
    process.emit('SIGTERM', 'SIGTERM');
    expect(await request.stopped).toBe('SIGTERM');
    time = 100;
    process.emit('SIGINT', 'SIGINT');
    expect(forced).toBe(0);
    time = 2000;
    process.emit('SIGTERM', 'SIGTERM');
    expect(forced).toBe(1);
  } finally {
    request.release();
  }
});
