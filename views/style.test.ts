/** The tokens of the pages: every text can be read and every picture be seen, in both themes. */
import { expect, test } from 'bun:test';
import { SERVICE_COLOURS } from './format.ts';
import { SERVICE_SLOTS } from '../src/store/service-slots.ts';

const css = await Bun.file(`${import.meta.dir}/style.css`).text();
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[\da-f]{6}), (#[\da-f]{6})\)/g)].map(
    ([, name, light, dark]) => [name, { light, dark }],
  ),
);

/** WCAG 2.2: relative luminance. */
function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [bright, dark] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (bright + 0.05) / (dark + 0.05);
}

const GROUNDS = ['bg', 'surface', 'surface-2', 'accent-soft', 'error-soft', 'warn-soft', 'good-soft'];
const TEXTS = ['text', 'muted', 'accent', 'error', 'warn', 'good'];
const ON: readonly (readonly [string, string])[] = [
  ['on-accent', 'accent'],
  ['surface', 'error'],
];
const SERVICES = Array.from({ length: SERVICE_SLOTS }, (_, slot) => `svc-${slot}`);

function tooFaint(pairs: readonly (readonly [string, string])[], least: number): string[] {
  return pairs.flatMap(([front, back]) =>
    (['light', 'dark'] as const).flatMap((theme) => {
      const [a, b] = [tokens.get(front)?.[theme], tokens.get(back)?.[theme]];
      if (a === undefined || b === undefined) return [`no token ${front} or ${back}`];
      const got = contrast(a, b);
      return got >= least ? [] : [`${front} on ${back}, ${theme}: ${got.toFixed(2)}`];
    }),
  );
}

test('texts have 4.5:1 on every ground', () => {
  const pairs = GROUNDS.flatMap((ground) => TEXTS.map((text) => [text, ground] as const));
  expect(tooFaint([...pairs, ...ON], 4.5)).toEqual([]);
});

test('lines of controls, and colours of services, have 3:1 where they stand', () => {
  const pictures = ['bg', 'surface', 'surface-2', 'accent-soft'];
  const pairs = pictures.flatMap((ground) =>
    ['line-strong', ...SERVICES].map((mark) => [mark, ground] as const),
  );
  expect(tooFaint(pairs, 3)).toEqual([]);
});

test('no service is red: that is an error', () => {
  for (const service of SERVICES) {
    for (const hex of Object.values(tokens.get(service) ?? {})) {
      const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
      expect(red > 1.6 * Math.max(green, blue), `${service} ${hex}`).toBe(false);
    }
  }
});

test('each slot has its class', () => {
  expect(SERVICE_COLOURS).toBe(SERVICE_SLOTS);
  for (const service of SERVICES) expect(css).toContain(`.${service} {\n  --svc: var(--${service});`);
});
