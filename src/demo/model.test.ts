import { describe, expect, test } from 'bun:test';
import type { Span } from '../span/span.ts';
import { endUnixNano, shopTraces } from './model.ts';
import { CONSUMER, PRODUCER } from './recorder.ts';

const START = 1_764_000_000_123_456_789n;

function take(count: number, seed = 7): Span[][] {
  const traces: Span[][] = [];
  for (const trace of shopTraces({ seed, startUnixNano: START, tracesPerSecond: 2 })) {
    traces.push(trace);
    if (traces.length === count) break;
  }
  return traces;
}

const TRACES = take(1500);
const SPANS = TRACES.flat();

function plainAttributes(span: Span): Map<string, unknown> {
  return new Map(span.attributes.map(({ key, value }) => [key, 'value' in value ? value.value : undefined]));
}

const isBackground = (span: Span) => plainAttributes(span).get('app.background') === true;

describe('the shape of a trace', () => {
  test('one trace id and one root, which comes first', () => {
    for (const trace of TRACES) {
      expect(new Set(trace.map((span) => span.traceId)).size).toBe(1);
      expect(trace.filter((span) => span.parentSpanId === '').length).toBe(1);
      expect(trace[0]?.parentSpanId).toBe('');
    }
  });

  test('ids are unique and of OTLP form', () => {
    expect(new Set(TRACES.map((trace) => trace[0]?.traceId)).size).toBe(TRACES.length);
    expect(new Set(SPANS.map((span) => span.spanId)).size).toBe(SPANS.length);
    expect(
      SPANS.filter((span) => !/^[0-9a-f]{32}$/.test(span.traceId) || !/^[0-9a-f]{16}$/.test(span.spanId)),
    ).toEqual([]);
  });

  test('parents exist, begin before their children, and outlast all that they wait for', () => {
    const wrong: string[] = [];
    for (const trace of TRACES) {
      const byId = new Map(trace.map((span) => [span.spanId, span]));
      for (const span of trace.slice(1)) {
        const parent = byId.get(span.parentSpanId);
        const end = span.startTimeUnixNano + span.durationNano;
        if (parent === undefined || span.startTimeUnixNano < parent.startTimeUnixNano) wrong.push(span.name);
        else if (!isBackground(span) && end > parent.startTimeUnixNano + parent.durationNano)
          wrong.push(span.name);
        if (span.durationNano < 0n) wrong.push(span.name);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('visits arrive in order, at about the rate asked for', () => {
    const visits = TRACES.filter((trace) => trace[0]?.kind !== CONSUMER);
    const starts = visits.map((trace) => trace[0]?.startTimeUnixNano ?? 0n);
    expect(starts).toEqual(starts.toSorted((a, b) => Number(a - b)));
    expect(starts[0]).toBe(START);
    const seconds = Number((starts.at(-1) ?? 0n) - START) / 1e9;
    expect(visits.length / seconds).toBeGreaterThan(1.8);
    expect(visits.length / seconds).toBeLessThan(2.2);
  });

  test('an attribute key stands once in a list', () => {
    const doubled = SPANS.filter((span) => plainAttributes(span).size !== span.attributes.length);
    expect(doubled).toEqual([]);
  });
});

describe('what occurs', () => {
  test('every service, kind, status and attribute type', () => {
    expect(new Set(SPANS.map((span) => span.serviceName)).size).toBe(14);
    expect(new Set(SPANS.map((span) => span.kind))).toEqual(new Set([1, 2, 3, 4, 5]));
    expect(new Set(SPANS.map((span) => span.statusCode))).toEqual(new Set([0, 1, 2]));
    const types = new Set(SPANS.flatMap((span) => span.attributes.map(({ value }) => value.type)));
    expect([...types].toSorted()).toEqual([
      'array',
      'bool',
      'bytes',
      'double',
      'empty',
      'int',
      'kvlist',
      'string',
    ]);
  });

  test('trace state, several scopes, dropped counts, resources with schema URLs', () => {
    expect(SPANS.some((span) => span.traceState !== '')).toBe(true);
    expect(new Set(SPANS.map((span) => span.scope.name)).size).toBeGreaterThan(15);
    expect(SPANS.some((span) => span.droppedEventsCount > 0)).toBe(true);
    expect(SPANS.every((span) => span.resource.schemaUrl !== '')).toBe(true);
    const keys = SPANS.map(
      (span) => span.resource.attributes.find(({ key }) => key === 'service.name')?.value,
    );
    expect(keys).toEqual(SPANS.map((span) => ({ type: 'string', value: span.serviceName })));
  });

  test('a failure carries its exception once and passes up with a message', () => {
    const failed = TRACES.filter((trace) => trace.some((span) => span.statusCode === 2));
    expect(failed.length).toBeGreaterThan(TRACES.length * 0.02);
    expect(failed.length).toBeLessThan(TRACES.length * 0.2);
    expect(
      failed.filter(
        (trace) => !trace.some((span) => span.events.some((event) => event.name === 'exception')),
      ),
    ).toEqual([]);
    const passed = failed.filter((trace) => trace[0]?.statusCode === 2);
    expect(passed.length).toBeGreaterThan(0);
    expect(passed.every((trace) => trace[0]?.statusMessage !== '')).toBe(true);
    const stacks = SPANS.flatMap((span) => span.events.filter((event) => event.name === 'exception')).map(
      (event) => event.attributes.find(({ key }) => key === 'exception.stacktrace')?.value,
    );
    expect(stacks.every((stack) => stack?.type === 'string' && stack.value.includes('\n'))).toBe(true);
  });

  test('retries: the first attempt failed, a later one is counted', () => {
    const resent = SPANS.filter((span) => plainAttributes(span).has('http.request.resend_count'));
    expect(resent.length).toBeGreaterThan(0);
    for (const span of resent) {
      const first = SPANS.find(
        (other) =>
          other.parentSpanId === span.parentSpanId &&
          other.name === span.name &&
          other.startTimeUnixNano < span.startTimeUnixNano,
      );
      expect(first?.statusCode).toBe(2);
    }
  });

  test('consumers link to the producer spans of other traces, which came before', () => {
    const producers = new Map(
      SPANS.filter((span) => span.kind === PRODUCER).map((span) => [span.spanId, span]),
    );
    const consumers = SPANS.filter((span) => span.kind === CONSUMER);
    expect(consumers.length).toBeGreaterThan(10);
    for (const span of consumers) {
      expect(span.links.length).toBeGreaterThan(0);
      for (const link of span.links) {
        const producer = producers.get(link.spanId);
        expect(producer?.traceId).toBe(link.traceId);
        expect(link.traceId).not.toBe(span.traceId);
        expect(Number(span.startTimeUnixNano - (producer?.startTimeUnixNano ?? 0n))).toBeGreaterThan(0);
      }
    }
  });

  test('gen-AI calls with models, tokens, messages and tools', () => {
    const operations = new Set(SPANS.map((span) => plainAttributes(span).get('gen_ai.operation.name')));
    for (const name of ['invoke_agent', 'chat', 'embeddings', 'execute_tool'])
      expect(operations).toContain(name);
    const chats = SPANS.map(plainAttributes).filter(
      (own) => own.get('gen_ai.operation.name') === 'chat' && own.has('gen_ai.response.id'),
    );
    expect(chats.length).toBeGreaterThan(10);
    for (const own of chats) {
      expect(own.get('gen_ai.usage.input_tokens')).toBeGreaterThan(0n);
      expect(JSON.parse(String(own.get('gen_ai.input.messages')))[0].role).toBe('user');
    }
  });

  test('deep and wide traces, and a long tail of durations', () => {
    const depths = TRACES.map((trace) => {
      const depth = new Map<string, number>();
      for (const span of trace) depth.set(span.spanId, (depth.get(span.parentSpanId) ?? 0) + 1);
      return Math.max(...depth.values());
    });
    expect(Math.max(...depths)).toBeGreaterThanOrEqual(30);
    expect(Math.max(...TRACES.map((trace) => trace.length))).toBeGreaterThan(400);
    const durations = TRACES.map((trace) => Number(endUnixNano(trace) - (trace[0]?.startTimeUnixNano ?? 0n)));
    const sorted = durations.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? 0;
    expect(at(0.99) / at(0.5)).toBeGreaterThan(5);
  });
});

test('every service is there after few hundred visits, whatever the seed', () => {
  const all = new Set(SPANS.map((span) => span.serviceName));
  for (let seed = 1; seed <= 40; seed++) {
    expect(new Set(take(300, seed).flatMap((trace) => trace.map((span) => span.serviceName)))).toEqual(all);
  }
});

test('the same seed and start give the same spans, another seed others', () => {
  expect(take(60)).toEqual(TRACES.slice(0, 60));
  expect(take(5, 8)).not.toEqual(TRACES.slice(0, 5));
});
