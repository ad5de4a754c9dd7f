/** HTTP/2 as a server of calls: frames in any pieces, headers as clients compress them, and clients that mean harm. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { FLAG, frame, FRAME, PREFACE, readWord, REASON, wordFrame, writeWord } from './frames.ts';
import { encodeHeaders, HpackDecoder, HpackError } from './hpack.ts';
import { ANSWER, data, goAway, HEADERS, headers, initialWindows, Scene, SETTINGS } from './testing/scene.ts';

test('calls are the same in whatever pieces their bytes come', () => {
  const bytes = Buffer.concat([
    PREFACE,
    SETTINGS,
    headers(1),
    data(1, 'one '),
    headers(3, FLAG.END_HEADERS | FLAG.END_STREAM),
    // Padding: its length first.
    frame(FRAME.DATA, FLAG.PADDED | FLAG.END_STREAM, 1, Buffer.from('\u0003two\0\0\0', 'latin1')),
    headers(5, 0, HEADERS.subarray(0, 2)),
    frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 5, HEADERS.subarray(2)),
    data(5, ''),
    data(5, 'x'.repeat(16_384), FLAG.END_STREAM),
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
      const scene = new Scene();
      const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
      let from = 0;
      for (const end of ends) {
        scene.receive(bytes.subarray(from, end));
        from = end;
      }
      expect(scene.calls.map(({ body, state }) => [body.length > 10 ? body.length : body, state])).toEqual([
        ['one two', 'whole'],
        ['', 'whole'],
        [16_384, 'whole'],
      ]);
      for (const call of scene.calls) expect(call.headers.get(':path')).toBe('/x');
    }),
    { numRuns: 100 },
  );
});

test('an answer is headers, data and trailers; who still sends is told to stop, and what still comes is dropped', async () => {
  const scene = new Scene();
  scene.receive(PREFACE, SETTINGS, headers(1), data(1, 'some'));
  await scene.sent();
  scene.calls[0].stream.answer(ANSWER);
  const sent = await scene.sent();
  expect(sent.map(({ type, flags, id }) => [type, flags, id])).toEqual([
    [FRAME.HEADERS, FLAG.END_HEADERS, 1],
    [FRAME.DATA, 0, 1],
    [FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1],
    [FRAME.RST_STREAM, 0, 1],
  ]);
  scene.receive(data(1, 'more', FLAG.END_STREAM), headers(3));
  expect([scene.calls[0].body, scene.calls.length, scene.isEnded]).toEqual(['some', 2, false]);
});

test("an answer waits for the client's window, and goes on piece by piece", async () => {
  const scene = new Scene();
  const window = new Uint8Array(6);
  window[1] = 4;
  writeWord(window, 2, 2);
  scene.receive(PREFACE, frame(FRAME.SETTINGS, 0, 0, window), headers(1, FLAG.END_HEADERS | FLAG.END_STREAM));
  scene.calls[0].stream.answer(ANSWER);
  const text = async () =>
    (await scene.sent()).filter(({ type }) => type === FRAME.DATA).map(({ payload }) => payload.toString());
  expect(await text()).toEqual(['an']);
  scene.receive(wordFrame(FRAME.WINDOW_UPDATE, 1, 3));
  expect(await text()).toEqual(['swe']);
  scene.receive(wordFrame(FRAME.WINDOW_UPDATE, 1, 9));
  const last = await scene.sent();
  expect(last.map(({ payload }) => payload.toString('latin1'))).toContain('r');
  expect(last.at(-1)?.flags).toBe(FLAG.END_HEADERS | FLAG.END_STREAM);
});

test('windows open as bytes come: 40 MB on one stream of one connection', async () => {
  const scene = new Scene();
  scene.receive(PREFACE, SETTINGS, headers(1));
  let [stream, connection] = [2 * 1024 ** 2, 8 * 1024 ** 2];
  for (let sent = 0; sent < 40e6; sent += 16_384) {
    scene.receive(data(1, 'x'.repeat(16_384)));
    for (const { type, id, payload } of await scene.sent()) {
      if (type !== FRAME.WINDOW_UPDATE || sent === 0) continue;
      if (id === 0) connection += readWord(payload, 0);
      else stream += readWord(payload, 0);
    }
    [stream, connection] = [stream - 16_384, connection - 16_384];
    expect(Math.min(stream, connection)).toBeGreaterThanOrEqual(0);
  }
  expect(scene.isEnded).toBe(false);
});

test('a stop: calls under way are answered, later ones refused, then the connection closes', async () => {
  const scene = new Scene();
  scene.receive(PREFACE, SETTINGS, headers(1, FLAG.END_HEADERS | FLAG.END_STREAM));
  await scene.sent();
  scene.connection.drain();
  expect(await goAway(scene)).toBe(REASON.NO_ERROR);
  scene.receive(headers(3));
  const [refused] = await scene.sent();
  expect([refused.type, readWord(refused.payload, 0)]).toEqual([FRAME.RST_STREAM, REASON.REFUSED_STREAM]);
  expect(scene.isEnded).toBe(false);
  scene.calls[0].stream.answer(ANSWER);
  expect(await scene.sent()).toHaveLength(3);
  expect(scene.isEnded).toBe(true);
});

test('pings and settings are acknowledged; a reset and a lost connection end calls', async () => {
  const scene = new Scene();
  scene.receive(PREFACE, SETTINGS, frame(FRAME.PING, 0, 0, Buffer.from('12345678')));
  const acks = (await scene.sent()).filter(({ flags }) => flags === FLAG.ACK).map(({ type }) => type);
  expect(acks).toEqual([FRAME.SETTINGS, FRAME.PING]);
  scene.receive(headers(1), headers(3), wordFrame(FRAME.RST_STREAM, 1, 8));
  expect(scene.calls.map(({ state }) => state)).toEqual(['aborted', 'open']);
  scene.connection.closed();
  expect(scene.calls.map(({ state }) => state)).toEqual(['aborted', 'aborted']);
});

const HOSTILE: readonly (readonly [what: string, reason: number, frames: () => readonly Uint8Array[]])[] = [
  ['a stream of the server', REASON.PROTOCOL_ERROR, () => [headers(2)]],
  ['data for nobody', REASON.PROTOCOL_ERROR, () => [data(1, 'x')]],
  ['data behind the end', REASON.PROTOCOL_ERROR, () => [headers(1, 5), data(1, 'x')]],
  ['a frame that is too long', REASON.FRAME_SIZE_ERROR, () => [headers(1), data(1, 'x'.repeat(16_385))]],
  ['more padding than bytes', REASON.PROTOCOL_ERROR, () => [headers(1), data(1, '\u0005x', FLAG.PADDED)]],
  ['headers without an end', REASON.PROTOCOL_ERROR, () => [headers(1, 0), data(1, 'x')]],
  [
    'headers that are none',
    REASON.COMPRESSION_ERROR,
    () => [headers(1, FLAG.END_HEADERS, Buffer.from([0xff, 0xff]))],
  ],
  ['a window that grows by nothing', REASON.PROTOCOL_ERROR, () => [wordFrame(FRAME.WINDOW_UPDATE, 0, 0)]],
  [
    'a window beyond 2 GiB',
    REASON.FLOW_CONTROL_ERROR,
    () => [wordFrame(FRAME.WINDOW_UPDATE, 0, 2 ** 31 - 1)],
  ],
  [
    'endless headers',
    REASON.ENHANCE_YOUR_CALM,
    () => [headers(1, 0), ...many(20, () => frame(9, 0, 1, new Uint8Array(1000)))],
  ],
  [
    'pings without end',
    REASON.ENHANCE_YOUR_CALM,
    () => many(3_000, () => frame(FRAME.PING, 0, 0, new Uint8Array(8))),
  ],
  ['settings without end', REASON.ENHANCE_YOUR_CALM, () => many(3_000, () => SETTINGS)],
  [
    'many settings in a frame',
    REASON.ENHANCE_YOUR_CALM,
    () => [initialWindows(...Array<number>(33).fill(1))],
  ],
  [
    'settings without end, some in a frame',
    REASON.ENHANCE_YOUR_CALM,
    () => many(100, () => initialWindows(...Array<number>(32).fill(1))),
  ],
  ['a window that is too large', REASON.FLOW_CONTROL_ERROR, () => [initialWindows(2 ** 31, 1)]],
  ['empty data without end', REASON.ENHANCE_YOUR_CALM, () => [headers(1), ...many(3_000, () => data(1, ''))]],
  [
    'calls that are taken back at once, without end',
    REASON.ENHANCE_YOUR_CALM,
    () => many(3_000, (n) => Buffer.concat([headers(2 * n + 1), wordFrame(FRAME.RST_STREAM, 2 * n + 1, 8)])),
  ],
  [
    'one long field, named a thousand times',
    REASON.COMPRESSION_ERROR,
    () => [
      headers(
        1,
        FLAG.END_HEADERS,
        Buffer.concat([
          Buffer.from([0x40, 1, 97, 0x7f, 0xa1, 0x0e]),
          Buffer.alloc(2000, 97),
          Buffer.alloc(1000, 0xbe),
        ]),
      ),
    ],
  ],
];

function many(times: number, make: (n: number) => Uint8Array): Uint8Array[] {
  return Array.from({ length: times }, (_, n) => make(n));
}

test.each(HOSTILE)('%s: the connection is closed, and hears why', async (_what, reason, frames) => {
  const scene = new Scene();
  scene.receive(PREFACE, SETTINGS);
  await scene.sent();
  scene.receive(...frames());
  expect([await goAway(scene), scene.isEnded]).toEqual([reason, true]);
});

test('more streams than announced are refused one by one', async () => {
  const scene = new Scene();
  scene.receive(PREFACE, SETTINGS, ...many(300, (n) => headers(2 * n + 1)));
  const refused = (await scene.sent()).filter(({ type }) => type === FRAME.RST_STREAM);
  expect([scene.calls.length, refused.length, scene.isEnded]).toEqual([256, 44, false]);
});

test('who says half a thing and no more is cut off', () => {
  for (const bytes of [PREFACE.subarray(0, 5), Buffer.concat([PREFACE, SETTINGS, headers(1, 0)])]) {
    const scene = new Scene();
    scene.receive(bytes);
    for (let second = 1; second < 25; second++) scene.connection.tick(second * 1000);
    expect(scene.isEnded).toBe(true);
  }
});

test("HPACK: the RFC's own examples, with Huffman and a table that evicts", () => {
  const decode = (decoder: HpackDecoder, hex: string) => [...decoder.decode(Buffer.from(hex, 'hex'), 10_000)];
  const decoder = new HpackDecoder();
  const first = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ];
  expect(decode(decoder, '828684418cf1e3c2e5f23a6ba0ab90f4ff')).toEqual(first as [string, string][]);
  expect(decode(decoder, '828684be5886a8eb10649cbf')).toEqual([...first, ['cache-control', 'no-cache']] as [
    string,
    string,
  ][]);
  expect(decode(decoder, '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf').at(-1)).toEqual([
    'custom-key',
    'custom-value',
  ]);
});

test('HPACK: what is encoded is decoded; noise is refused or read, and never throws anything else', () => {
  const text = fc.string({ maxLength: 300 });
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z-]{1,20}$/), text), (fields) => {
      const pairs = Object.entries(fields).map(
        ([name, value]) => [name, encodeURI(value.toWellFormed())] as const,
      );
      expect([...new HpackDecoder().decode(encodeHeaders(pairs), 100_000)]).toEqual(
        pairs.map(([n, v]) => [n, v]),
      );
    }),
    { numRuns: 50 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      try {
        new HpackDecoder().decode(noise, 10_000);
      } catch (error) {
        expect(error).toBeInstanceOf(HpackError);
      }
    }),
    { numRuns: 300 },
  );
});
