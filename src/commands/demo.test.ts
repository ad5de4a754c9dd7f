import { describe, expect, test } from 'bun:test';
import { UsageError, parseFlags } from '../command-line.ts';
import { decodeTraces } from '../otlp/decode.ts';
import { SpanColumns } from '../span/columns.ts';
import { CommandError } from './command.ts';
import { demoCommand } from './demo.ts';

async function demo(words: readonly string[]): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const output = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) };
  const { values } = parseFlags(demoCommand.flags, words, {});
  return { code: await demoCommand.run(values, [], output), lines };
}

describe('spanlake demo', () => {
  test('sends the past, then live, and says where to look', async () => {
    const columns = new SpanColumns();
    using server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async (request) => {
        decodeTraces({ format: 'protobuf', body: Bun.gunzipSync(await request.bytes()) }, columns);
        return new Response();
      },
    });
    const endpoint = `http://127.0.0.1:${server.port}`;
    const words = [
      '--endpoint',
      endpoint,
      '--history',
      '20s',
      '--duration',
      '1s',
      '--rate',
      '10',
      '--seed',
      '4',
    ];
    const { code, lines } = await demo(words);
    expect(code).toBe(0);
    const done = /^Done: (\d+) traces, (\d+) spans\. Look: (\S+)$/.exec(lines.at(-1) ?? '');
    expect(Number(done?.[2])).toBe(columns.rows);
    expect(Number(done?.[1])).toBeGreaterThan(80);
    expect(done?.[3]).toBe(`${endpoint}/search`);
    expect(lines[0]).toContain('of the last 20 seconds');
    expect(lines[1]).toContain('Now 10 visits a second');
  });

  test('fails with a way out where no server listens', async () => {
    const failure: unknown = await demo(['--endpoint', 'http://127.0.0.1:1']).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(CommandError);
    expect(String(failure)).toContain('no server answers at http://127.0.0.1:1/v1/traces');
  });

  const refused: readonly (readonly [flag: string, value: string])[] = [
    ['--rate', '0'],
    ['--rate', 'many'],
    ['--rate', '1000'],
    ['--duration', '5'],
    ['--history', '30d'],
    ['--seed', 'x'],
  ];
  for (const [flag, value] of refused) {
    test(`refuses ${flag} ${value}`, () => {
      expect(() => parseFlags(demoCommand.flags, [flag, value], {})).toThrow(UsageError);
    });
  }
});
