import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ByteArena, endOfPlain, standsAt } from './words.ts';

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Bytes of which a double may be no number, or -0. */
const bytes = fc.array(fc.constantFrom(0x00, 0x61, 0x7f, 0x80, 0xf0, 0xff), { maxLength: 30 });

test('runs stand where the same bytes are, and nowhere else', () => {
  fc.assert(
    fc.property(
      bytes,
      bytes,
      bytes,
      fc.nat({ max: 29 }),
      fc.nat({ max: 255 }),
      (before, run, behind, at, mask) => {
        const source = Uint8Array.from([...before, ...run, ...behind]);
        const arena = new ByteArena();
        arena.add(viewOf(source), 0, before.length);
        const first = arena.add(viewOf(source), before.length, before.length + run.length);
        expect(standsAt(arena.view, first, run.length, viewOf(source), before.length)).toBe(true);
        if (run.length === 0) return;
        const end = source.length - run.length + 1;
        expect(standsAt(arena.view, first, run.length, viewOf(source), end)).toBe(false);
        // No sender's bytes are kept that hold a NUL, of which -0 and 0 would look alike.
        if (mask === 0 || run.includes(0)) return;
        source[before.length + (at % run.length)] ^= mask;
        expect(standsAt(arena.view, first, run.length, viewOf(source), before.length)).toBe(false);
      },
    ),
    { numRuns: 500 },
  );
});

test('plain characters end at a quote, a backslash or a control character', () => {
  const byte = fc.oneof(
    fc.nat({ max: 255 }),
    fc.constantFrom(0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x1f, 0x20, 0x7f, 0x80),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 24 }), fc.nat({ max: 5 }), (all, skipped) => {
      const from = Math.min(skipped, all.length);
      const found = all.findIndex((one, at) => at >= from && (one === 0x22 || one === 0x5c || one < 0x20));
      expect(endOfPlain(viewOf(Uint8Array.from(all)), from)).toBe(found < 0 ? all.length : found);
    }),
    { numRuns: 1_000 },
  );
});
