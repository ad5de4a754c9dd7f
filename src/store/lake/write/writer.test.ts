import { expect, test } from 'bun:test';
import { decodeTraces } from '../../../otlp/decode.ts';
import { SpanColumns } from '../../../span/columns.ts';
import { testRequest, testSpan } from '../testing/requests.ts';
import { copyPublished } from './copy.ts';
import type { EncodedFile } from './encode.ts';
import { Writer } from './writer.ts';
import { rejection } from '../../testing/rejection.ts';

function columns(rows: number): SpanColumns {
  const filled = new SpanColumns();
  decodeTraces(testRequest(Array.from({ length: rows }, (_, n) => testSpan(n))), filled);
  filled.publishedRows = filled.rows;
  return filled;
}

function sink() {
  const got = {
    files: [] as EncodedFile[],
    bytes: 0,
    part: (_: string, bytes: Uint8Array) => void (got.bytes += bytes.length),
    file: (file: EncodedFile) => void got.files.push(file),
  };
  return got;
}

test('a job over its time limit fails, and the next one gets a new worker', async () => {
  let limitMs = 1;
  const writer = new Writer(() => limitMs);
  expect((await rejection(writer.encode([await copyPublished(columns(3))], sink()))).message).toContain(
    'no answer within 1 ms',
  );
  limitMs = 60_000;
  const got = sink();
  await writer.encode([await copyPublished(columns(3))], got);
  expect(got.files.map((file) => file.rows)).toEqual([3]);
  expect(got.bytes).toBe(got.files[0].bytes);
  writer.close();
});

test('a job that fails says why, and the next one works', async () => {
  const writer = new Writer();
  const copied = await copyPublished(columns(2));
  const broken = new Map(copied.block.columns);
  broken.delete('trace_id');
  const job = writer.encode([{ block: { rows: 2, columns: broken }, transfer: [] }], sink());
  expect((await rejection(job)).message).toContain('no 16-byte ids in trace_id');
  const got = sink();
  await writer.encode([copied], got);
  expect(got.files.length).toBe(1);
  writer.close();
});

test('a copy holds the published rows alone, and what the columns share only once', async () => {
  const filled = columns(5);
  filled.publishedRows = 3;
  const { block, transfer } = await copyPublished(filled);
  expect(block.rows).toBe(3);
  const name = block.columns.get('name');
  expect(name?.kind === 'text' ? name.codes.length : undefined).toBe(3);
  expect(new Set(transfer).size).toBe(transfer.length);
  const shared = ['trace_state', 'status_message', 'service_name'].map((column) => {
    const vector = block.columns.get(column);
    return vector?.kind === 'text' ? vector.dictionary : undefined;
  });
  expect(shared[1]).toBe(shared[0]);
  expect(shared[2]).toBe(shared[0]);
});

test('large columns are handed over in place', async () => {
  const filled = columns(20_000);
  const { block, transfer } = await copyPublished(filled);
  const name = block.columns.get('name');
  expect(name?.kind === 'text' ? name.codes.buffer : undefined).toBeInstanceOf(SharedArrayBuffer);
  expect(name?.kind === 'text' ? name.codes.buffer : undefined).toBe(filled.nameCodes.buffer);
  expect(transfer.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(1_000_000);
  const writer = new Writer();
  const got = sink();
  await writer.encode([{ block, transfer }], got);
  expect(got.files.map((file) => file.rows)).toEqual([20_000]);
  writer.close();
});
