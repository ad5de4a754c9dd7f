import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import protobuf from 'protobufjs/minimal.js';
import { SpanColumns } from '../../span/columns.ts';
import { DEFAULT_SPAN_LIMITS } from '../../span/span-limits.ts';
import type { SpanLimits } from '../../span/span-limits.ts';
import { ProtobufTraces } from '../protobuf-traces.ts';
import { Tally } from '../tally.ts';
import { forgetLookUps } from './batch.ts';

type Writer = protobuf.Writer;
type Field = (writer: Writer) => void;

interface Outcome {
  readonly error: string;
  readonly accepted: number;
  readonly rejected: string;
  readonly losses: readonly number[];
  readonly columns: unknown;
}

/** What becomes of the bodies, one after the other in the same columns. */
function outcomes(bodies: readonly Uint8Array[], withKernel: boolean, limits: SpanLimits): Outcome[] {
  const into = new SpanColumns(undefined, limits);
  const all = bodies.map((body) => {
    const tally = new Tally();
    const mark = into.mark();
    let error = '';
    try {
      Array.from(new ProtobufTraces(body, into, tally, false, withKernel).walk());
    } catch (thrown) {
      error = String(thrown);
      into.truncate(mark);
    }
    const { accepted, rejected } = error === '' ? tally : { accepted: 0, rejected: 0 };
    const shown = error === '' ? tally.message : '';
    return {
      error,
      accepted,
      rejected: `${rejected} ${shown}`,
      losses: into.losses.counts,
      columns: meaning(into),
    };
  });
  forgetLookUps(into.pairs);
  return all;
}

/** Rows with texts in the place of codes: codes are given in the order of arrival, which may differ. */
function meaning(columns: SpanColumns): unknown {
  const { columns: vectors } = columns.block(undefined, columns.rows);
  return Object.fromEntries([...vectors].map(([name, vector]) => [name, plain(vector)]));
}

const decoder = new TextDecoder();

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('dictionary' in value && 'codes' in value) {
    return [...(value.codes as Uint32Array)].map((code) => textOf(value.dictionary, code));
  }
  if ('keyDictionary' in value) return lists(value as unknown as Lists);
  if (ArrayBuffer.isView(value)) return [...(value as Uint8Array)];
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}

interface Lists {
  readonly offsets: Uint32Array;
  readonly rowIndex?: Uint32Array;
  readonly pairs: Uint32Array;
  readonly keys: Uint32Array;
  readonly keyDictionary: unknown;
  readonly types: Uint8Array;
  readonly values: Uint32Array;
  readonly valueDictionary: unknown;
}

function lists(of: Lists): unknown {
  const all = Array.from({ length: of.offsets.length - 1 }, (_, list) =>
    [...of.pairs.subarray(of.offsets[list], of.offsets[list + 1])].map((pair) => [
      textOf(of.keyDictionary, of.keys[pair]),
      of.types[pair],
      textOf(of.valueDictionary, of.values[pair]),
    ]),
  );
  return of.rowIndex === undefined ? all : [...of.rowIndex].map((list) => all[list]);
}

function textOf(dictionary: unknown, code: number): string {
  const { offsets, bytes } = dictionary as { offsets: Uint32Array; bytes: Uint8Array };
  return decoder.decode(Uint8Array.from(bytes.subarray(offsets[code], offsets[code + 1])));
}

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const word = fc.constantFrom(
  'a',
  'http.route',
  'user.id',
  'é',
  '日本語',
  '',
  'k'.repeat(130),
  'v'.repeat(1500),
);
const count = fc.constantFrom(0, 1, 2, 127, 128, 300, 70_000, 2 ** 32 - 1);
const field = (tag: number, write: Field): Field => {
  return (writer) => {
    writer.uint32(tag).fork();
    write(writer);
    writer.ldelim();
  };
};

const anyValue: fc.Arbitrary<Field> = fc.oneof(
  {
    weight: 6,
    arbitrary: word.map(
      (text): Field =>
        (writer) =>
          void writer.uint32(0x0a).string(text),
    ),
  },
  fc.constantFrom<Field>(
    (writer) => void writer.uint32(0x10).bool(true),
    (writer) => void writer.uint32(0x18).int64(-5),
    (writer) => void writer.uint32(0x21).double(0.5),
    (writer) => void writer.uint32(0x3a).bytes(new Uint8Array([1, 255])),
    (writer) => void writer.uint32(0x2a).fork().uint32(0x0a).fork().uint32(0x18).int64(3).ldelim().ldelim(),
    (writer) => void writer.uint32(0x0a).string('first').uint32(0x0a).string('last'),
    (writer) => void writer.uint32(0x0a).bytes(new Uint8Array([0xff, 0xfe])),
    () => {},
  ),
);
const keyValue: fc.Arbitrary<Field> = fc
  .tuple(word, anyValue, fc.integer({ min: 0, max: 9 }))
  .map(([key, value, how]): Field => (writer) => {
    if (how === 0) field(0x12, value)(writer);
    writer.uint32(0x0a).string(key);
    if (how > 1) field(0x12, value)(writer);
    if (how === 2) writer.uint32(0x1d).fixed32(7);
  });
const eventField: fc.Arbitrary<Field> = fc.oneof(
  { weight: 4, arbitrary: keyValue.map((pair) => field(0x1a, pair)) },
  word.map(
    (name): Field =>
      (writer) =>
        void writer.uint32(0x12).string(name),
  ),
  count.map(
    (time): Field =>
      (writer) =>
        void writer.uint32(0x09).fixed32(time).fixed32(1),
  ),
  count.map(
    (dropped): Field =>
      (writer) =>
        void writer.uint32(0x20).uint32(dropped),
  ),
);
const statusField: fc.Arbitrary<Field> = fc.oneof(
  word.map(
    (text): Field =>
      (writer) =>
        void writer.uint32(0x12).string(text),
  ),
  count.map(
    (code): Field =>
      (writer) =>
        void writer.uint32(0x18).uint32(code),
  ),
);
const joined = (of: fc.Arbitrary<Field>, max: number) =>
  fc.array(of, { maxLength: max }).map(
    (fields): Field =>
      (writer) =>
        fields.forEach((write) => write(writer)),
  );

const spanField: fc.Arbitrary<Field> = fc.oneof(
  { weight: 12, arbitrary: keyValue.map((pair) => field(0x4a, pair)) },
  {
    weight: 3,
    arbitrary: word.map(
      (name): Field =>
        (writer) =>
          void writer.uint32(0x2a).string(name),
    ),
  },
  { weight: 3, arbitrary: joined(eventField, 6).map((event) => field(0x5a, event)) },
  { weight: 2, arbitrary: joined(statusField, 3).map((status) => field(0x7a, status)) },
  fc.constantFrom(0x30, 0x50, 0x60, 0x70).chain((tag) =>
    count.map(
      (value): Field =>
        (writer) =>
          void writer.uint32(tag).uint32(value),
    ),
  ),
  count.map(
    (flags): Field =>
      (writer) =>
        void writer.uint32(0x85).fixed32(flags),
  ),
  word.map(
    (state): Field =>
      (writer) =>
        void writer.uint32(0x1a).string(state),
  ),
  bytes(8).map(
    (id): Field =>
      (writer) =>
        void writer.uint32(0x22).bytes(id),
  ),
  joined(keyValue, 2).map((link) => field(0x6a, (writer) => field(0x22, link)(writer))),
  fc.constant<Field>((writer) => void writer.uint32(0x3a2).bytes(new Uint8Array([1]))),
);
const times: Field = (writer) => {
  writer.uint32(0x39).fixed32(4_000_000_000).fixed32(400_000_000);
  writer.uint32(0x41).fixed32(5).fixed32(400_000_001);
};
const span: fc.Arbitrary<Field> = fc
  .record({
    traceId: fc.oneof({ weight: 30, arbitrary: bytes(16) }, { weight: 1, arbitrary: bytes(15) }),
    spanId: fc.oneof(
      { weight: 30, arbitrary: bytes(8) },
      { weight: 1, arbitrary: fc.constant(new Uint8Array(8)) },
    ),
    fields: fc.oneof(
      { weight: 20, arbitrary: joined(spanField, 14) },
      {
        weight: 1,
        arbitrary: joined(
          keyValue.map((pair) => field(0x4a, pair)),
          300,
        ),
      },
    ),
  })
  .map(({ traceId, spanId, fields }): Field => (writer) => {
    writer.uint32(0x0a).bytes(traceId).uint32(0x12).bytes(spanId);
    times(writer);
    fields(writer);
  });
const scopeSpans = fc
  .tuple(
    word,
    joined(
      span.map((one) => field(0x12, one)),
      6,
    ),
  )
  .map(([name, spans]): Field => (writer) => {
    field(0x0a, (scope) => void scope.uint32(0x0a).string(name))(writer);
    spans(writer);
  });
const resourceSpans = fc
  .tuple(
    joined(keyValue, 3),
    joined(
      scopeSpans.map((one) => field(0x12, one)),
      3,
    ),
  )
  .map(([attributes, scopes]): Field => (writer) => {
    field(0x0a, (resource) => field(0x0a, attributes)(resource))(writer);
    scopes(writer);
  });
const request = joined(
  resourceSpans.map((one) => field(0x0a, one)),
  3,
).map((write) => {
  const writer = protobuf.Writer.create();
  write(writer);
  return writer.finish();
});
/** Bytes changed here and there, or cut off. */
const spoilt = fc
  .tuple(request, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.option(fc.nat()))
  .map(([body, changes, cut]) => {
    const copy = body.slice(0, cut === null || body.length === 0 ? body.length : cut % body.length);
    for (const [at, byte] of changes) if (copy.length > 0) copy[at % copy.length] = byte;
    return copy;
  });
const bodies = fc.array(fc.oneof({ weight: 3, arbitrary: request }, spoilt), { minLength: 1, maxLength: 4 });
const tight: SpanLimits = { ...DEFAULT_SPAN_LIMITS, attributes: 3, events: 2, keys: 4 };

describe('the kernel does what the walk does', () => {
  for (const [name, limits] of [
    ['usual limits', DEFAULT_SPAN_LIMITS],
    ['tight limits', tight],
  ] as const) {
    test(`random and spoilt requests, ${name}`, () => {
      fc.assert(
        fc.property(bodies, (sent) => {
          expect(outcomes(sent, true, limits)).toEqual(outcomes(sent, false, limits));
        }),
        { numRuns: 400 },
      );
    });
  }

  test('bodies beyond one window, and spans beyond it', () => {
    const writer = protobuf.Writer.create();
    field(0x0a, (resource) =>
      field(0x12, (scope) => {
        for (let i = 0; i < 2000; i++) {
          field(0x12, (one) => {
            one.uint32(0x0a).bytes(new Uint8Array(16).fill(1 + (i % 200)));
            one.uint32(0x12).bytes(new Uint8Array(8).fill(7));
            times(one);
            const size = i === 1000 ? 400_000 : 300;
            field(0x4a, (pair) => {
              pair.uint32(0x0a).string(`key.${i % 5}`);
              field(0x12, (value) => void value.uint32(0x0a).string(`${i % 700}`.padEnd(size, 'x')))(pair);
            })(one);
          })(scope);
        }
      })(resource),
    )(writer);
    const body = writer.finish();
    const [walked] = outcomes([body], false, DEFAULT_SPAN_LIMITS);
    expect(walked.accepted).toBe(2000);
    expect(outcomes([body], true, DEFAULT_SPAN_LIMITS)).toEqual([walked]);
  });

  test('more keys than the kernel tells apart, reached in the middle of a body', () => {
    const writer = protobuf.Writer.create();
    const pair = (key: string, value: string) =>
      field(0x4a, (one) => {
        one.uint32(0x0a).string(key);
        field(0x12, (of) => void of.uint32(0x0a).string(value))(one);
      });
    field(0x0a, (resource) =>
      field(0x12, (scope) => {
        for (let i = 0; i < 900; i++) {
          field(0x12, (one) => {
            one.uint32(0x0a).bytes(new Uint8Array(16).fill(1 + (i % 200)));
            one.uint32(0x12).bytes(new Uint8Array(8).fill(7));
            times(one);
            const keys = i < 340 ? 100 : 1;
            for (let key = 0; key < keys; key++)
              pair(`key ${Math.min(i, 340) * 100 + key}`, 'x'.repeat(40))(one);
          })(scope);
        }
      })(resource),
    )(writer);
    const limits = { ...DEFAULT_SPAN_LIMITS, keys: 100_000 };
    const body = writer.finish();
    const [walked] = outcomes([body], false, limits);
    expect(walked.accepted).toBe(900);
    expect(outcomes([body, body], true, limits)).toEqual(outcomes([body, body], false, limits));
  });

  test('two bodies by turns', () => {
    const [first, second] = ['one', 'two'].map((text) => {
      const writer = protobuf.Writer.create();
      field(0x0a, (resource) =>
        field(0x12, (scope) => {
          for (let i = 0; i < 1500; i++) {
            field(0x12, (one) => {
              one
                .uint32(0x0a)
                .bytes(new Uint8Array(16).fill(3))
                .uint32(0x12)
                .bytes(new Uint8Array(8).fill(7));
              field(0x4a, (pair) => {
                pair.uint32(0x0a).string('text');
                field(0x12, (value) => void value.uint32(0x0a).string(`${text} ${i}`))(pair);
              })(one);
            })(scope);
          }
        })(resource),
      )(writer);
      return writer.finish();
    });
    const walks = [first, second].map((body) => {
      const into = new SpanColumns();
      return { into, steps: new ProtobufTraces(body, into, new Tally(), false).walk() };
    });
    let isOver = false;
    while (!isOver) isOver = walks.map(({ steps }) => steps.next().done === true).every((done) => done);
    const alone = [first, second].map((body) => outcomes([body], false, DEFAULT_SPAN_LIMITS)[0].columns);
    expect(walks.map(({ into }) => meaning(into))).toEqual(alone);
  });
});
