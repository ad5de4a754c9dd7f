/** What a span tells of a call to a model, by OpenTelemetry's gen-AI conventions, old names included. */
import type { Attribute, Span } from '../span/span.ts';
import { valueText } from '../span/value.ts';

export interface GenAiCall {
  /** '' where it is not told; so the other texts. */
  readonly provider: string;
  readonly operation: string;
  readonly requestModel: string;
  readonly responseModel: string;
  readonly agent: string;
  readonly tool: string;
  readonly conversation: string;
  /** Undefined where it is not told. */
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/** Newest name first. */
const NAMES = {
  provider: ['gen_ai.provider.name', 'gen_ai.system'],
  operation: ['gen_ai.operation.name'],
  requestModel: ['gen_ai.request.model'],
  responseModel: ['gen_ai.response.model'],
  agent: ['gen_ai.agent.name'],
  tool: ['gen_ai.tool.name'],
  conversation: ['gen_ai.conversation.id'],
  inputTokens: ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
  outputTokens: ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'],
} as const;

/** Operations that hold model calls or go beside them: their tokens would count twice. */
export const NO_MODEL_CALLS = ['invoke_agent', 'create_agent', 'invoke_workflow', 'execute_tool'] as const;

export function isGenAi(span: Span): boolean {
  return span.attributes.some(({ key }) => key.startsWith('gen_ai.'));
}

export function genAiCall({ attributes }: Span): GenAiCall {
  const text = (name: keyof typeof NAMES): string => textOf(attributes, NAMES[name]);
  return {
    provider: text('provider'),
    operation: text('operation'),
    requestModel: text('requestModel'),
    responseModel: text('responseModel'),
    agent: text('agent'),
    tool: text('tool'),
    conversation: text('conversation'),
    inputTokens: tokensOf(text('inputTokens')),
    outputTokens: tokensOf(text('outputTokens')),
  };
}

function textOf(attributes: readonly Attribute[], names: readonly string[]): string {
  for (const name of names) {
    const found = attributes.find(({ key }) => key === name);
    if (found !== undefined) return valueText(found.value);
  }
  return '';
}

function tokensOf(text: string): number | undefined {
  const count = Number(text);
  return text !== '' && Number.isFinite(count) && count >= 0 ? count : undefined;
}
