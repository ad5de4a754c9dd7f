/** Test support: OTLP/JSON as no sane sender writes it, drawn from a list of choices so that fast-check can shrink it. */

/** A JSON value before it is text: strings are decoded, numbers and literals stand as written. */
type Tree =
  | { readonly text: string }
  | { readonly raw: string }
  | { readonly items: readonly Tree[] }
  | { readonly fields: readonly (readonly [string, Tree])[] };

type Draw = () => Tree;

const NULL: Tree = { raw: 'null' };
const SPACES = ['', '', '', ' ', '\n', '\t', '\r\n  ', '      '];
const TEXTS = [
  '',
  'a',
  'shop',
  'checkout',
  '"',
  '\\',
  'a"b\\c',
  '\n\t',
  '\u0000\u001f',
  'é',
  '\u{1f600}',
  '\ud800',
  '\udc00x',
  '\ufeff',
  ']}',
  '{"key":',
  '\u007f\u00ff',
  'x'.repeat(70),
  'long '.repeat(230),
];
const KEYS = ['service.name', 'http.route', 'user.id', 'k', 'a"b', 'gen_ai.system', '', 'é', 'key'];
const UINT64 = [
  '0',
  '1',
  '9',
  '999999999',
  '1700000000123456789',
  '1790000000152091297',
  '9999999999999999999',
  '10000000000000000000',
  '18446744073709551615',
  '5.0',
  '12e2',
  '1.700000000123456789e18',
];
const UINT32 = ['0', '1', '257', '999999999', '1000000000', '4294967295', '3.0', '2e3'];
const INT64 = [
  '0',
  '-1',
  '7',
  '42',
  '-9223372036854775808',
  '9223372036854775807',
  '123456789012345678',
  '1234567890123456789',
  '-0',
  '1e3',
  '-5.0',
];
const DOUBLES = [
  '0',
  '-0',
  '1',
  '10.5',
  '-1.25e-7',
  '1e300',
  '0.1',
  '123456789.125',
  '1E+2',
  '5e-324',
  '1e999',
];
const SPECIAL_DOUBLES = ['NaN', 'Infinity', '-Infinity', '1.5', '1e2'];

export class JsonTextMaker {
  #at = 0;
  /** Compact texts are what senders write, and what the decoder guesses at. */
  readonly #isCompact: boolean;
  readonly #isSnake: boolean;

  constructor(readonly choices: readonly number[]) {
    this.#isCompact = this.#below(2) === 0;
    this.#isSnake = this.#below(3) === 2;
  }

  /** An ExportTraceServiceRequest. When the choices are used up, everything is as small as can be. */
  request(): string {
    const tree = this.#fields({ resourceSpans: () => this.#list(3, () => this.#resourceSpans()) });
    return this.#space() + this.#written(tree) + this.#space();
  }

  #below(bound: number): number {
    return (this.choices[this.#at++] ?? 0) % bound;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)];
  }

  #resourceSpans(): Tree {
    return this.#message({
      scopeSpans: () => this.#list(3, () => this.#scopeSpans()),
      resource: () =>
        this.#message({
          attributes: () => this.#attributes(),
          droppedAttributesCount: () => this.#uint(UINT32),
        }),
      schemaUrl: () => this.#text(),
    });
  }

  #scopeSpans(): Tree {
    return this.#message({
      spans: () => this.#list(5, () => this.#span()),
      scope: () =>
        this.#message({
          name: () => this.#text(),
          version: () => this.#text(),
          attributes: () => this.#attributes(),
          droppedAttributesCount: () => this.#uint(UINT32),
        }),
      schemaUrl: () => this.#text(),
    });
  }

  #span(): Tree {
    return this.#message({
      traceId: () => this.#id(16),
      spanId: () => this.#id(8),
      attributes: () => this.#attributes(),
      parentSpanId: () => (this.#below(2) === 0 ? NULL : this.#id(8)),
      name: () => this.#text(),
      kind: () => this.#enum(['SPAN_KIND_SERVER', 'SPAN_KIND_UNSPECIFIED']),
      startTimeUnixNano: () => this.#uint(UINT64),
      endTimeUnixNano: () => this.#uint(UINT64),
      traceState: () => this.#text(),
      status: () =>
        this.#message({ code: () => this.#enum(['STATUS_CODE_ERROR']), message: () => this.#text() }),
      flags: () => this.#uint(UINT32),
      events: () =>
        this.#list(3, () =>
          this.#message({
            timeUnixNano: () => this.#uint(UINT64),
            name: () => this.#text(),
            attributes: () => this.#attributes(),
            droppedAttributesCount: () => this.#uint(UINT32),
          }),
        ),
      links: () =>
        this.#list(3, () =>
          this.#message({
            traceId: () => this.#id(16),
            spanId: () => this.#id(8),
            traceState: () => this.#text(),
            attributes: () => this.#attributes(),
            droppedAttributesCount: () => this.#uint(UINT32),
            flags: () => this.#uint(UINT32),
          }),
        ),
      droppedAttributesCount: () => this.#uint(UINT32),
      droppedEventsCount: () => this.#uint(UINT32),
      droppedLinksCount: () => this.#uint(UINT32),
    });
  }

  #attributes(): Tree {
    return this.#list(6, () => {
      const key = (): Tree => ({ text: this.#pick(KEYS) });
      const value = (): Tree => this.#anyValue(0);
      switch (this.#below(8)) {
        case 6:
          return this.#message({ value, key });
        case 7:
          return this.#message({ key, value });
        default:
          return {
            fields: [
              ['key', key()],
              ['value', value()],
            ],
          };
      }
    });
  }

  #anyValue(depth: number): Tree {
    const member = (): [string, Tree] => {
      switch (this.#below(depth > 3 ? 6 : 8)) {
        case 1:
          return ['boolValue', { raw: this.#pick(['true', 'false']) }];
        case 2:
          return ['intValue', this.#uint(INT64)];
        case 3:
          return [
            'doubleValue',
            this.#below(3) === 2 ? { text: this.#pick(SPECIAL_DOUBLES) } : { raw: this.#pick(DOUBLES) },
          ];
        case 4:
          return ['bytesValue', { text: this.#pick(['', 'AP8=', '+/8=', '-_8', 'aGk']) }];
        case 5:
          return ['unknownValue', this.#anything(0)];
        case 6:
          return [
            'arrayValue',
            this.#message({ values: () => this.#list(3, () => this.#anyValue(depth + 1)) }),
          ];
        case 7: {
          const entry = (): Tree =>
            this.#message({ key: () => this.#text(), value: () => this.#anyValue(depth + 1) });
          return ['kvlistValue', this.#message({ values: () => this.#list(3, entry) })];
        }
        default:
          return ['stringValue', this.#below(12) === 11 ? NULL : this.#text()];
      }
    };
    const fields = Array.from({ length: this.#pick([1, 1, 1, 1, 1, 1, 0, 2, 3]) }, member);
    const names = new Set(fields.map(([name]) => name));
    if (names.size < fields.length) return { fields: [] };
    return { fields: fields.map(([name, value]) => [this.#name(name), value]) };
  }

  /** Of equal fields the last counts; other than lists and messages, which are joined or not by what they are. */
  #message(draws: Readonly<Record<string, Draw>>): Tree {
    return this.#below(40) === 39 ? NULL : this.#fields(draws);
  }

  #fields(draws: Readonly<Record<string, Draw>>): Tree {
    const fields: [string, Tree][] = [];
    for (const [name, draw] of Object.entries(draws)) {
      if (this.#below(10) === 9) continue;
      const value = draw();
      const isScalar = 'text' in value || 'raw' in value;
      if (isScalar && !JOINED.has(name) && this.#below(12) === 11) fields.push([this.#name(name), draw()]);
      fields.push([this.#name(name), value]);
      if (this.#below(20) === 19)
        fields.push([this.#pick(['x', 'traceid', 'Key', 'é', 'attribute']), this.#anything(0)]);
    }
    if (this.#below(6) === 5) fields.reverse();
    return { fields };
  }

  #list(bound: number, draw: Draw): Tree {
    if (this.#below(40) === 39) return NULL;
    const items = Array.from({ length: this.#below(bound + 1) }, draw);
    if (this.#below(30) === 29) items.push(NULL);
    return { items };
  }

  #anything(depth: number): Tree {
    switch (this.#below(depth > 3 ? 4 : 6)) {
      case 1:
        return { text: this.#pick(TEXTS) };
      case 2:
        return { raw: this.#pick(['true', 'false', '1', '-0.5e-3', '{}', '[ ]']) };
      case 3:
        return { text: '}]' };
      case 4:
        return { items: Array.from({ length: this.#below(4) }, () => this.#anything(depth + 1)) };
      case 5:
        return {
          fields: Array.from({ length: this.#below(4) }, () => [this.#pick(KEYS), this.#anything(depth + 1)]),
        };
      default:
        return NULL;
    }
  }

  #text(): Tree {
    return this.#below(15) === 14 ? NULL : { text: this.#pick(TEXTS) };
  }

  #uint(numbers: readonly string[]): Tree {
    const number = this.#pick(numbers);
    switch (this.#below(8)) {
      case 7:
        return NULL;
      case 5:
      case 6:
        return { raw: number };
      default:
        return { text: number };
    }
  }

  #enum(names: readonly string[]): Tree {
    if (this.#below(3) === 2) return { text: this.#pick(names) };
    return this.#uint(['0', '1', '2', '5', '255', '256', '-1']);
  }

  #id(width: number): Tree {
    const kind = this.#below(30);
    if (kind === 29) return NULL;
    if (kind === 28)
      return {
        text: this.#pick([
          '',
          '0102',
          '0'.repeat(width * 2),
          'g'.repeat(width * 2),
          '0'.repeat(width * 2 + 2),
        ]),
      };
    const bytes = Array.from({ length: width }, (_, i) => this.#below(256) || i + 1);
    const hex = Buffer.from(bytes).toString('hex');
    return { text: kind > 24 ? hex.toUpperCase() : hex };
  }

  #name(name: string): string {
    return this.#isSnake ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name;
  }

  #space(): string {
    return this.#isCompact ? '' : this.#pick(SPACES);
  }

  #written(tree: Tree): string {
    if ('raw' in tree) return tree.raw;
    if ('text' in tree) return this.#quoted(tree.text);
    if ('items' in tree) {
      const items = tree.items.map((item) => `${this.#space()}${this.#written(item)}${this.#space()}`);
      return `[${items.join(',') || this.#space()}]`;
    }
    const fields = tree.fields.map(([name, value]) => {
      const [before, behind] = [this.#space(), this.#space()];
      return `${before}${this.#quoted(name)}${behind}:${this.#space()}${this.#written(value)}${this.#space()}`;
    });
    return `{${fields.join(',') || this.#space()}}`;
  }

  /** Characters that must be escaped are; now and then others are too. */
  #quoted(text: string): string {
    const all = this.#below(20) === 19;
    const escaped =
      text.toWellFormed() === text && !all
        ? JSON.stringify(text).slice(1, -1)
        : text.replace(/[^]/g, unicodeEscape);
    return `"${escaped}"`;
  }
}

/** Lists and messages of which a second is added to the first: no JSON.parse knows of the first. */
const JOINED = new Set([
  'attributes',
  'events',
  'links',
  'status',
  'resourceSpans',
  'scopeSpans',
  'spans',
  'values',
]);

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
