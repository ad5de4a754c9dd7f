import { describe, expect, test } from 'bun:test';
import protobuf from 'protobufjs';
import { SpanColumns } from '../span/columns.ts';
import type { AttributeValue } from '../span/span.ts';
import { valueText } from '../span/value.ts';
import { decodeTraces } from './decode.ts';
import { materialise } from './testing/materialise.ts';
import { ExportRequestType } from './testing/oracle.ts';

/** A message with every field of its type set, and what each leaf of it was set to. */
class Filled {
  readonly leaves = new Map<string, string>();
  #next = 1;

  message(type: protobuf.Type, path: string): Record<string, unknown> {
    if (type.name === 'KeyValue' && !path.includes('[')) throw new Error('attributes are lists');
    const fields: [string, unknown][] = [];
    for (const field of type.fieldsArray) fields.push([field.name, this.#field(field.resolve(), path)]);
    return Object.fromEntries(fields);
  }

  #field(field: protobuf.Field, path: string): unknown {
    const at = `${path}.${field.name}`;
    if (field.resolvedType instanceof protobuf.Type && field.resolvedType.name === 'KeyValue') {
      return this.#attributes(at);
    }
    if (field.resolvedType instanceof protobuf.Type) {
      const value = this.message(field.resolvedType, at);
      return field.repeated ? [value] : value;
    }
    const value = this.#scalar(field);
    this.leaves.set(at, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value));
    return value;
  }

  #scalar(field: protobuf.Field): unknown {
    const unique = this.#next++;
    if (field.resolvedType instanceof protobuf.Enum)
      return Math.max(...Object.values(field.resolvedType.values));
    switch (field.type) {
      case 'string':
        return `${field.name} ${unique}`;
      case 'bytes':
        return new Uint8Array(field.name === 'traceId' ? 16 : 8).fill(unique);
      case 'uint32':
      case 'fixed32':
        return 1_000_000 + unique;
      case 'fixed64':
        return (1_700_000_000_000_000_000n + BigInt(unique)).toString();
      default:
        throw new Error(`a field of type ${field.type}: give it a value here`);
    }
  }

  /** One attribute for each member of AnyValue's `oneof`, and one with nothing set. */
  #attributes(at: string): unknown[] {
    const any = ExportRequestType.root.lookupType('AnyValue');
    return [...any.fieldsArray.map((field) => field.name), ''].map((name) => {
      const unique = this.#next++;
      const key = `${name || 'empty'} ${unique}`;
      const [value, text] = sample(name, unique);
      this.leaves.set(`${at}[${name}]`, `${key}=${text}`);
      return { key, value };
    });
  }
}

function sample(member: string, unique: number): [Record<string, unknown>, string] {
  switch (member) {
    case 'stringValue':
      return [{ stringValue: `text ${unique}` }, `string text ${unique}`];
    case 'boolValue':
      return [{ boolValue: true }, 'bool true'];
    case 'intValue':
      return [{ intValue: `-9007199254740993${unique}` }, `int -9007199254740993${unique}`];
    case 'doubleValue':
      return [{ doubleValue: unique + 0.5 }, `double ${unique}.5`];
    case 'arrayValue':
      return [{ arrayValue: { values: [{ intValue: String(unique) }, {}] } }, `array [${unique},null]`];
    case 'kvlistValue': {
      const values = [{ key: 'inner', value: { stringValue: `deep ${unique}` } }];
      return [{ kvlistValue: { values } }, `kvlist {"inner":"deep ${unique}"}`];
    }
    case 'bytesValue':
      return [
        { bytesValue: Buffer.from([unique, 0, 255]).toString('base64') },
        `bytes ${Buffer.from([unique, 0, 255]).toString('base64')}`,
      ];
    case '':
      return [{}, 'empty '];
    default:
      throw new Error(`AnyValue has a member ${member}: give it a sample here`);
  }
}

/** All that a span holds, as texts. */
function texts(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(texts);
  if (value === null || typeof value !== 'object') return [String(value)];
  if ('key' in value && 'value' in value) {
    const attribute = value as { key: string; value: AttributeValue };
    return [`${attribute.key}=${attribute.value.type} ${valueText(attribute.value)}`];
  }
  return Object.values(value).flatMap(texts);
}

/** Ids in JSON are hex. */
function hexIds(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

describe('every field of proto/ is in the columns', () => {
  const filled = new Filled();
  const message = filled.message(ExportRequestType, 'request');
  const json = JSON.stringify(message, hexIds);
  const snake = json.replace(/"([a-z]+(?:[A-Z][a-z]+)+)":/g, (key) =>
    key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  );
  const bodies = {
    protobuf: ['protobuf', ExportRequestType.encode(ExportRequestType.fromObject(message)).finish()],
    json: ['json', new TextEncoder().encode(json)],
    'json with the names of the .proto': ['json', new TextEncoder().encode(snake)],
  } as const;

  test('the message has them all', () => {
    expect(filled.leaves.size).toBeGreaterThan(50);
    expect(snake).toContain('"start_time_unix_nano":');
  });

  for (const [name, [format, body]] of Object.entries(bodies)) {
    test(name, () => {
      const into = new SpanColumns();
      expect(decodeTraces({ format, body }, into)).toEqual({ accepted: 1, rejected: 0, message: '' });
      const [span] = materialise(into);
      const end = BigInt.asUintN(64, span.startTimeUnixNano + span.durationNano);
      const present = new Set([...texts(span), end.toString()]);
      const missing = [...filled.leaves].filter(([, text]) => !present.has(text));
      expect(missing).toEqual([]);
    });
  }
});
