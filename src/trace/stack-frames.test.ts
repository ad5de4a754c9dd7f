/** Each language's stack traces, as their runtimes print them. */
import { expect, test } from 'bun:test';
import { frameText, parseStack, topFrame } from './stack-frames.ts';

const CASES: readonly (readonly [language: string, stack: string, top: string])[] = [
  [
    'Java',
    'java.lang.IllegalStateException: x\n\tat java.util.List.get(List.java:4)\n\tat shop.Cart.add(Cart.java:17)\n\tat shop.Web.run(Web.java:9)\nCaused by: java.io.IOException: y\n\t... 3 more',
    'shop.Cart.add (Cart.java)',
  ],
  [
    'JavaScript',
    'TypeError: x\n    at process.processTicks (node:internal/process/task_queues:95:5)\n    at async Cart.add (/app/cart.js:12:7)\n    at /app/web.js:3:1',
    'Cart.add (cart.js)',
  ],
  ['JavaScript without a name', 'Error\n    at file:///app/web.js:3:1', 'web.js:3'],
  [
    '.NET',
    'System.NullReferenceException: x\n   at System.Linq.First()\n   at Shop.Cart.Add(String id, Int32 n) in /src/Cart.cs:line 12',
    'Shop.Cart.Add (Cart.cs)',
  ],
  [
    'Python',
    'Traceback (most recent call last):\n  File "/app/web.py", line 3, in run\n    add()\n  File "/app/cart.py", line 12, in add\n    raise ValueError("x")\nValueError: x',
    'add (cart.py)',
  ],
  [
    'Go',
    'panic: x\n\ngoroutine 1 [running]:\nruntime.gopanic({0x1, 0x2})\n\t/usr/go/panic.go:8 +0x12\nmain.(*Cart).Add(0xc0000, 0x4)\n\t/src/cart.go:12 +0x1d\nmain.main()\n\t/src/main.go:3 +0x2',
    'main.(*Cart).Add (cart.go)',
  ],
  ['Ruby', "cart.rb:12:in `add': x (ArgumentError)\n\tfrom web.rb:3:in `run'", 'add (cart.rb)'],
  ['PHP', '#0 /app/cart.php(12): Cart->add()\n#1 /app/web.php(3): run()\n#2 {main}', 'Cart->add (cart.php)'],
  [
    'Rust',
    'x\n   0: std::panicking::begin\n      at /rustc/p.rs:1:2\n   1: shop::cart::add\n      at ./src/cart.rs:12:5',
    'shop::cart::add (cart.rs)',
  ],
];

for (const [language, stack, expected] of CASES) {
  test(`the top frame of ${language}`, () => {
    const top = topFrame(stack);
    expect(top && frameText(top)).toBe(expected);
  });
}

test('no line is lost', () => {
  for (const [, stack] of CASES)
    expect(
      parseStack(stack)
        .map(({ text }) => text)
        .join('\n'),
    ).toBe(stack);
});

test('what is no stack trace has no frames, however long', () => {
  expect(topFrame('a'.repeat(1_000_000))).toBeUndefined();
  expect(topFrame(' at ('.repeat(100_000))).toBeUndefined();
});
