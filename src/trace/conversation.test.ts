import { describe, expect, test } from 'bun:test';
import type { Attribute, AttributeValue } from '../span/span.ts';
import { makeSpan } from './arbitrary.ts';
import { conversationOf } from './conversation.ts';
import type { Conversation } from './conversation.ts';

function attributes(values: Readonly<Record<string, string | bigint | AttributeValue>>): Attribute[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { type: 'string', value }
        : typeof value === 'bigint'
          ? { type: 'int', value }
          : value,
  }));
}

function conversation(values: Parameters<typeof attributes>[0]): Conversation {
  const found = conversationOf(makeSpan({ attributes: attributes(values) }));
  if (!found) throw new Error('not taken for a gen-AI span');
  return found;
}

const said = ({ messages }: Conversation): string[] =>
  messages.map(
    ({ role, parts }) => `${role}: ${parts.map((part) => `${part.kind} ${part.text}`).join(', ')}`,
  );

describe('what a gen-AI span says', () => {
  test('a span without gen_ai attributes is none', () => {
    expect(conversationOf(makeSpan({ attributes: attributes({ 'http.route': '/' }) }))).toBeUndefined();
  });

  test('models and tokens by names of today and before', () => {
    const today = conversation({
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-5-mini',
      'gen_ai.usage.input_tokens': 12n,
      'gen_ai.usage.output_tokens': 0n,
      'gen_ai.response.finish_reasons': { type: 'array', value: [{ type: 'string', value: 'stop' }] },
    });
    expect(today).toMatchObject({
      provider: 'openai',
      requestModel: 'gpt-5-mini',
      inputTokens: 12,
      outputTokens: 0,
      finishReasons: 'stop',
    });
    const before = conversation({ 'gen_ai.system': 'az', 'gen_ai.usage.prompt_tokens': 7n });
    expect(before).toMatchObject({ provider: 'az', inputTokens: 7, outputTokens: undefined });
    expect(conversation({ 'gen_ai.usage.input_tokens': '-3' }).inputTokens).toBeUndefined();
  });

  test('messages as JSON text, with parts of each kind', () => {
    const input = JSON.stringify([
      { role: 'user', parts: [{ type: 'text', content: 'Is it there?' }] },
      { role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'stock', arguments: { id: 7 } }] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: '3 left' }] },
    ]);
    const output = JSON.stringify([
      {
        role: 'assistant',
        finish_reason: 'stop',
        parts: [
          { type: 'reasoning', content: 'hm' },
          { type: 'text', content: 'Yes.' },
          { type: 'image', url: 'x' },
        ],
      },
    ]);
    const found = conversation({
      'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: 'Be kind.' }]),
      'gen_ai.input.messages': input,
      'gen_ai.output.messages': output,
    });
    expect(said(found)).toEqual([
      'system: text Be kind.',
      'user: text Is it there?',
      'assistant: call {"id":7}',
      'tool: result 3 left',
      'assistant: reasoning hm, text Yes., other {"type":"image","url":"x"}',
    ]);
    expect(found.messages.at(-1)?.finishReason).toBe('stop');
  });

  test('structured messages, numbered keys, and events for each message', () => {
    const structured: AttributeValue = {
      type: 'array',
      value: [{ type: 'kvlist', value: attributes({ role: 'user', content: 'Hello' }) }],
    };
    expect(said(conversation({ 'gen_ai.input.messages': structured }))).toEqual(['user: text Hello']);
    const numbered = {
      'gen_ai.prompt.1.content': 'second',
      'gen_ai.prompt.0.content': 'first',
      'gen_ai.prompt.0.role': 'system',
      'gen_ai.completion.0.content': 'third',
      'gen_ai.promptly.0.content': 'none',
    };
    expect(said(conversation(numbered))).toEqual([
      'system: text first',
      'user: text second',
      'assistant: text third',
    ]);
    const sent: { name: string; values: Record<string, string> }[] = [
      { name: 'gen_ai.user.message', values: { content: 'Q' } },
      { name: 'gen_ai.choice', values: { message: '{"role":"assistant","content":"A"}' } },
      { name: 'other', values: { content: 'no message' } },
    ];
    const events = sent.map(({ name, values }) => ({
      timeUnixNano: 1n,
      name,
      attributes: attributes(values),
      droppedAttributesCount: 0,
    }));
    const found = conversationOf(makeSpan({ attributes: attributes({ 'gen_ai.system': 'x' }), events }));
    expect(found && said(found)).toEqual(['user: text Q', 'assistant: text A']);
  });

  test('a tool that was run is a call and its result', () => {
    const found = conversation({
      'gen_ai.tool.name': 'stock',
      'gen_ai.tool.call.arguments': '{"id":7}',
      'gen_ai.tool.call.result': '3',
    });
    expect(said(found)).toEqual(['assistant: call {"id":7}', 'tool: result 3']);
  });

  test('text that only looks like JSON, or is nested to break its reader, is text', () => {
    for (const text of ['{broken', '['.repeat(10_000), `[${'['.repeat(80)}${']'.repeat(80)}]`]) {
      expect(said(conversation({ 'gen_ai.prompt': text }))).toEqual([`user: text ${text}`]);
    }
  });
});
