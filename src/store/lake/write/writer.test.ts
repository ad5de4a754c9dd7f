import { expect, test } from 'bun:test';
import { decodeTraces } from '../../../otlp/decode.ts';
import { SpanColumns } from '../../../span/columns.ts';
import { testRequest, testSpan } from '../testing/requests.ts';
import { copyPublished } from './copy.ts';
import { Writer } from './writer.ts';
import { rejection } from '../../testing/rejection.ts';

function columns(rows: number): SpanColumns {
  const filled = new SpanColumns();
  decodeTraces(testRequest(Array.from({ length: rows }, (_, n) => testSpan(n))), filled);
  filled.publishedRows = filled.rows;
  return filled;
}

test('a job over its time limit fails, and the next one gets a new worker', async () => {
  let limitMs = 1;
  const writer = new Writer(() => limitMs);
  expect((await rejection(writer.encode([await copyPublished(columns(3))]))).message).toContain(
    'no answer within 1 ms',
  );
  limitMs = 60_000;
  const files = await writer.encode([await copyPublished(columns(3))]);
  expect(files.map((file) => file.rows)).toEqual([3]);
  writer.close();
});

test('a job that fails says why, and the next one works', async () => {
  const writer = new Writer();
  const copied = await copyPublished(columns(2));
  const broken = new Map(copied.block.columns);
  broken.delete('trace_id');
  const job = writer.encode([{ block: { rows: 2, columns: broken }, transfer: [] }]);
  expect((await rejection(job)).message).toContain('no 16-byte ids in trace_id');
  expect((await writer.encode([copied])).length).toBe(1);
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
