/** Test support: random conditions over `arbitrary-spans.ts`, as queries of one selector. */
import fc from 'fast-check';
import { parseQuery } from '../../../../traceql/parse.ts';
import type { Query } from '../../../../traceql/ast.ts';

/** What the attributes of each key are compared with where the two are of one type; the last key holds any. */
const FITTING = {
  s: ['"a"', '""', '"500"', '"GET /x"'],
  i: ['0', '1', '500', '-5'],
  d: ['0', '1', '0.5'],
  b: ['true', 'false'],
  m: ['"a"', '"500"', '0', '1', '500', '1.5', 'true', 'false', 'nil'],
};
const LITERALS = [...new Set(Object.values(FITTING).flat())];
const SCOPES = ['span.', 'resource.', '.', 'event.', 'link.', 'instrumentation.'];
const OPERATORS = ['=', '!=', '>', '>=', '<', '<='];

function comparison(fields: readonly string[], literals: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...fields), fc.constantFrom(...OPERATORS), fc.constantFrom(...literals))
    .map(([field, operator, literal]) =>
      literal === 'nil' ? `${field} ${operator === '=' ? '=' : '!='} nil` : `${field} ${operator} ${literal}`,
    );
}

const fieldsOf = (key: string): string[] => SCOPES.map((scope) => scope + key);

const fittingTerm = fc.oneof(
  ...Object.entries(FITTING).map(([key, literals]) => comparison(fieldsOf(key), literals)),
  comparison(['resource.service.name', '.service.name'], ['"shop"', '"cart"', '""']),
);
/** Any field beside any literal: the most of them hold for nothing. */
const otherTerm = comparison(
  [...[...Object.keys(FITTING), 'nowhere'].flatMap(fieldsOf), 'resource.service.name', '.service.name'],
  LITERALS,
);
const attributeTerm = fc.oneof({ weight: 3, arbitrary: fittingTerm }, { weight: 1, arbitrary: otherTerm });

const regexField = fc.constantFrom(
  'name',
  'span.s',
  'resource.service.name',
  '.m',
  'event:name',
  'statusMessage',
);
const regexTerm = fc.oneof(
  {
    weight: 7,
    arbitrary: fc
      .tuple(
        regexField,
        fc.constantFrom('=~', '!~'),
        fc.constantFrom('"a|sh.*"', '"GET.*"', '"ü"', '"ex.*|[0-9]+"'),
      )
      .map((parts) => parts.join(' ')),
  },
  { weight: 2, arbitrary: regexField.map((field) => `${field} =~ ".*"`) },
  // Holds for nothing.
  { weight: 1, arbitrary: regexField.map((field) => `${field} !~ ".*"`) },
);
const intrinsicTerm = fc.constantFrom(
  'duration > 5ns',
  'duration <= 10ns',
  'duration != 3ns',
  'duration > 4s',
  'duration < 0ns',
  'status = error',
  'status != ok',
  'kind = server',
  'kind != client',
  'name = "a"',
  'name != ""',
  'name > "a"',
  'statusMessage = ""',
  'span:id = "00000000000000ff"',
  'span:id != "00000000000000ff"',
  'trace:id = "0000000000000000aaaaaaaaaaaaaaaa"',
  'span:parentID = "0000000000000001"',
  'parent = nil',
  'parent != nil',
  'event:name = "exception"',
  'event:name != "a"',
  'event:timeSinceStart > 3ns',
  'link:spanID = "0000000000000001"',
  'link:traceID != "11111111111111111111111111111111"',
  'instrumentation:name = "a"',
  'instrumentation:name != ""',
  'instrumentation:version = "1.0"',
  'link:traceID = "22222222222222222222222222222222"',
  'nestedSetParent < 0',
);
const oddTerm = fc.constantFrom(
  'span.i + 1 > 1',
  'span.i = resource.i',
  '.s = name',
  '!span.b',
  'span.b',
  '!(span.i > 0)',
  '5 < span.i',
  'span.d * 2 = 1',
  '-span.i >= 5',
  '-span.d < 0.5',
  'span.i - 1 < 500',
  'span.i / 2 = 0',
  'span.i % 2 = 1',
  'span.d ^ 2 < 1',
  'true',
  'false',
);
const traceTerm = fc.constantFrom(
  'rootName = "a"',
  'rootName != "a"',
  'rootServiceName != "shop"',
  'traceDuration > 10ns',
  'parent.span.s = "a"',
  'parent.name != "a"',
  '!(parent.span.i > 0)',
  'childCount > 0',
  'nestedSetLeft > 1',
  'nestedSetRight > 2',
  'traceDuration <= 1s',
  'rootServiceName = "shop"',
);

function queryOf(term: fc.Arbitrary<string>): fc.Arbitrary<Query> {
  const { tree } = fc.letrec<{ tree: string }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      term,
      fc
        .tuple(tie('tree'), fc.constantFrom('&&', '||'), tie('tree'))
        .map(([a, o, b]) => `(${a}) ${o} (${b})`),
      tie('tree').map((inner) => `!(${inner})`),
    ),
  }));
  return fc
    .oneof(
      { weight: 1, arbitrary: fc.constant('{}') },
      { weight: 12, arbitrary: tree.map((condition) => `{ ${condition} }`) },
    )
    .filter(parses)
    .map(parseQuery);
}

/** `!(span.b)` and the like are refused by the type check now and then: those are others' tests. */
function parses(queryText: string): boolean {
  try {
    parseQuery(queryText);
    return true;
  } catch {
    return false;
  }
}

const spanTerm = fc.oneof(
  { weight: 5, arbitrary: attributeTerm },
  { weight: 4, arbitrary: intrinsicTerm },
  { weight: 1, arbitrary: regexTerm },
  { weight: 3, arbitrary: oddTerm },
);

export const spanQuery: fc.Arbitrary<Query> = queryOf(spanTerm);
export const anyQuery: fc.Arbitrary<Query> = queryOf(
  fc.oneof({ weight: 2, arbitrary: spanTerm }, { weight: 1, arbitrary: traceTerm }),
);
