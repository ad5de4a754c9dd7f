/**
 * What a gen-AI span says of a call to a model: which one, how many tokens, what was said. By OpenTelemetry's
 * conventions (messages in attributes or in events, as JSON text or structured), and the older habits of a key for
 * each message (`gen_ai.prompt.0.content`) and an event for each (`gen_ai.user.message`).
 */
import type { Attribute, AttributeValue, Span } from '../span/span.ts';
import { valueText } from '../span/value.ts';

export type MessagePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'call'; readonly id: string; readonly name: string; readonly text: string }
  | { readonly kind: 'result'; readonly id: string; readonly name: string; readonly text: string }
  /** As JSON: an image, a file, what is not known here. */
  | { readonly kind: 'other'; readonly name: string; readonly text: string };

export interface Message {
  /** `system`, `user`, `assistant`, `tool`, or what the sender says. */
  readonly role: string;
  readonly parts: readonly MessagePart[];
  readonly finishReason: string;
}

export interface Conversation {
  readonly operation: string;
  readonly provider: string;
  readonly requestModel: string;
  readonly responseModel: string;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly finishReasons: string;
  readonly messages: readonly Message[];
}

/** JSON of a sender's may be nested to break its reader. */
const MAX_JSON_CHARS = 2_000_000;
const MAX_JSON_DEPTH = 64;

/** Undefined for a span that is no gen-AI one. */
export function conversationOf(span: Span): Conversation | undefined {
  const values = new Map(span.attributes.map(({ key, value }) => [key, value]));
  if (!span.attributes.some(({ key }) => key.startsWith('gen_ai.'))) return undefined;
  const text = (...keys: readonly string[]): string => {
    for (const key of keys) {
      const value = values.get(key);
      if (value) return value.type === 'array' ? value.value.map(valueText).join(', ') : valueText(value);
    }
    return '';
  };
  const messages = [
    ...fromAttributes(values),
    ...span.events.flatMap((event) => fromEvent(event.name, event.attributes)),
    ...fromNumberedKeys(span.attributes, 'gen_ai.prompt', 'user'),
    ...fromNumberedKeys(span.attributes, 'gen_ai.completion', 'assistant'),
    ...fromTool(text),
  ];
  return {
    operation: text('gen_ai.operation.name'),
    provider: text('gen_ai.provider.name', 'gen_ai.system'),
    requestModel: text('gen_ai.request.model'),
    responseModel: text('gen_ai.response.model'),
    inputTokens: count(text('gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens')),
    outputTokens: count(text('gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens')),
    finishReasons: text('gen_ai.response.finish_reasons'),
    messages: messages.filter((message) => message.parts.length > 0),
  };
}

function count(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const MESSAGE_KEYS: readonly (readonly [key: string, role: string])[] = [
  ['gen_ai.system_instructions', 'system'],
  ['gen_ai.input.messages', 'user'],
  ['gen_ai.prompt', 'user'],
  ['gen_ai.output.messages', 'assistant'],
  ['gen_ai.completion', 'assistant'],
];

function fromAttributes(values: ReadonlyMap<string, AttributeValue>): Message[] {
  return MESSAGE_KEYS.flatMap(([key, role]) => {
    const value = values.get(key);
    return value ? messagesOf(plain(value), role) : [];
  });
}

const EVENT_ROLES: ReadonlyMap<string, string> = new Map([
  ['gen_ai.system.message', 'system'],
  ['gen_ai.user.message', 'user'],
  ['gen_ai.assistant.message', 'assistant'],
  ['gen_ai.tool.message', 'tool'],
  ['gen_ai.choice', 'assistant'],
]);

function fromEvent(name: string, attributes: readonly Attribute[]): Message[] {
  const values = new Map(attributes.map(({ key, value }) => [key, value]));
  const role = EVENT_ROLES.get(name);
  if (role === undefined) return fromAttributes(values);
  const fields: Record<string, unknown> = {};
  for (const { key, value } of attributes) fields[key.replace(/^gen_ai\.(event\.)?/, '')] = plain(value);
  const { message } = fields;
  return messagesOf(isRecord(message) || typeof message === 'string' ? message : fields, role);
}

function fromNumberedKeys(attributes: readonly Attribute[], prefix: string, role: string): Message[] {
  const numbered = new Map<number, Record<string, unknown>>();
  for (const { key, value } of attributes) {
    if (!key.startsWith(`${prefix}.`)) continue;
    const [, index, rest] = /^(\d{1,4})\.(.+)$/.exec(key.slice(prefix.length + 1)) ?? [];
    if (rest === undefined) continue;
    const fields = numbered.get(Number(index)) ?? {};
    fields[rest] = plain(value);
    numbered.set(Number(index), fields);
  }
  return [...numbered].sort(([a], [b]) => a - b).flatMap(([, fields]) => messagesOf(fields, role));
}

/** A span that runs a tool: the call, and what came of it. */
function fromTool(text: (...keys: readonly string[]) => string): Message[] {
  const name = text('gen_ai.tool.name');
  if (name === '') return [];
  const id = text('gen_ai.tool.call.id');
  const called = text('gen_ai.tool.call.arguments');
  const result = text('gen_ai.tool.call.result');
  return [
    { role: 'assistant', finishReason: '', parts: [{ kind: 'call', id, name, text: called }] },
    {
      role: 'tool',
      finishReason: '',
      parts: result === '' ? [] : [{ kind: 'result', id, name, text: result }],
    },
  ];
}

function messagesOf(value: unknown, role: string): Message[] {
  if (typeof value === 'string') {
    const parsed = parsedJson(value);
    return parsed === undefined ? [messageOf(value, role)] : messagesOf(parsed, role);
  }
  if (!Array.isArray(value)) return [messageOf(value, role)];
  // The instructions are a list of parts, not of messages.
  if (value.length > 0 && value.every((one) => isRecord(one) && 'type' in one && !('role' in one)))
    return [{ role, finishReason: '', parts: value.map(partOf) }];
  return value.map((one) => messageOf(one, role));
}

function messageOf(value: unknown, role: string): Message {
  if (!isRecord(value)) return { role, finishReason: '', parts: textParts(value) };
  const calls = Array.isArray(value.tool_calls) ? value.tool_calls.map(callOf) : [];
  const parts = Array.isArray(value.parts) ? value.parts.map(partOf) : textParts(value.content);
  return {
    role: typeof value.role === 'string' ? value.role : role,
    finishReason: typeof value.finish_reason === 'string' ? value.finish_reason : '',
    parts: [...parts, ...calls],
  };
}

function textParts(value: unknown): MessagePart[] {
  if (value === undefined || value === null || value === '') return [];
  if (Array.isArray(value)) return value.map(partOf);
  return [{ kind: 'text', text: textOf(value) }];
}

function partOf(value: unknown): MessagePart {
  if (!isRecord(value)) return { kind: 'text', text: textOf(value) };
  switch (value.type) {
    case 'text':
      return { kind: 'text', text: textOf(value.content ?? value.text) };
    case 'reasoning':
    case 'thinking':
      return { kind: 'reasoning', text: textOf(value.content ?? value.thinking ?? value.text) };
    case 'tool_call':
    case 'tool_use':
      return callOf(value);
    case 'tool_call_response':
    case 'tool_result':
      return {
        kind: 'result',
        id: textOf(value.id ?? value.tool_use_id),
        name: '',
        text: textOf(value.response ?? value.result ?? value.content),
      };
    default:
      return { kind: 'other', name: textOf(value.type), text: JSON.stringify(value) };
  }
}

function callOf(value: unknown): MessagePart {
  if (!isRecord(value)) return { kind: 'other', name: 'tool call', text: textOf(value) };
  const called = isRecord(value.function) ? value.function : value;
  return {
    kind: 'call',
    id: textOf(value.id),
    name: textOf(called.name),
    text: textOf(called.arguments ?? called.input),
  };
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsedJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text) || text.length > MAX_JSON_CHARS) return undefined;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x5b || unit === 0x7b) depth++;
    else if (unit === 0x5d || unit === 0x7d) depth--;
    if (depth > MAX_JSON_DEPTH) return undefined;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    return undefined;
  }
}

function plain(value: AttributeValue): unknown {
  switch (value.type) {
    case 'array':
      return value.value.map(plain);
    case 'kvlist':
      return Object.fromEntries(value.value.map(({ key, value: one }) => [key, plain(one)]));
    case 'int':
    case 'bytes':
      return valueText(value);
    case 'empty':
      return null;
    case 'string':
    case 'bool':
    case 'double':
      return value.value;
  }
}
