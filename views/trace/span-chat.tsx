/** A call to a model: which one, tokens, and the messages as a conversation. */
import { Html } from '@elysiajs/html';
import type { Conversation, Message, MessagePart } from '../../src/trace/conversation.ts';
import { formatCount, plural } from '../format.ts';
import { NestedValue, PlainText } from '../shared/attribute-value.tsx';

/** The first and the last of a long one: what was asked, and what came of it. */
const MESSAGES_SHOWN = 60;

export function Chat({ conversation }: { conversation: Conversation }): JSX.Element {
  const { messages } = conversation;
  const shown = messages.length > MESSAGES_SHOWN ? messages.slice(-MESSAGES_SHOWN) : messages;
  return (
    <>
      <dl class="facts">
        <ChatFact term="Model" text={modelText(conversation)} />
        <ChatFact term="Provider" text={conversation.provider} />
        <ChatFact term="Operation" text={conversation.operation} />
        <ChatFact term="Tokens" text={tokensText(conversation)} />
        <ChatFact term="Finished" text={conversation.finishReasons} />
      </dl>
      {shown.length < messages.length ? (
        <p class="note" safe>{`The last ${shown.length} of ${plural(messages.length, 'message')}`}</p>
      ) : (
        ''
      )}
      {messages.length === 0 ? (
        <p class="note">Its messages were not recorded.</p>
      ) : (
        <ol class="chat">
          {shown.map((message) => (
            <MessageView message={message} />
          ))}
        </ol>
      )}
    </>
  );
}

function modelText({ requestModel, responseModel }: Conversation): string {
  if (responseModel === '' || responseModel === requestModel) return requestModel;
  return requestModel === '' ? responseModel : `${responseModel} (asked for ${requestModel})`;
}

function tokensText({ inputTokens, outputTokens }: Conversation): string {
  const parts = [];
  if (inputTokens !== undefined) parts.push(`${formatCount(inputTokens)} in`);
  if (outputTokens !== undefined) parts.push(`${formatCount(outputTokens)} out`);
  return parts.join(', ');
}

function ChatFact({ term, text }: { term: string; text: string }): JSX.Element {
  if (text === '') return <></>;
  return (
    <div>
      <dt safe>{term}</dt>
      <dd>
        <bdi class="data num" safe>
          {text}
        </bdi>
      </dd>
    </div>
  );
}

const KNOWN_ROLES: ReadonlySet<string> = new Set(['system', 'user', 'assistant', 'tool']);

function MessageView({ message }: { message: Message }): JSX.Element {
  const role = KNOWN_ROLES.has(message.role) ? message.role : 'other';
  return (
    <li class={`chat-message is-${role}`}>
      <p class="chat-role">
        <bdi class="data" safe>
          {message.role}
        </bdi>
        {message.finishReason === '' ? (
          ''
        ) : (
          <span class="note" safe>
            {` ${message.finishReason}`}
          </span>
        )}
      </p>
      {message.parts.map((part) => (
        <Part part={part} />
      ))}
    </li>
  );
}

function Part({ part }: { part: MessagePart }): JSX.Element {
  switch (part.kind) {
    case 'text':
      return (
        <div class="chat-text">
          <PlainText text={part.text} />
        </div>
      );
    case 'reasoning':
      return <Titled title="reasoning" name="" text={part.text} />;
    case 'call':
      return <Titled title="calls" name={part.name} text={part.text} />;
    case 'result':
      return <Titled title="result" name={part.name} text={part.text} />;
    case 'other':
      return <Titled title="part" name={part.name} text={part.text} />;
  }
}

function Titled({ title, name, text }: { title: string; name: string; text: string }): JSX.Element {
  return (
    <div class="chat-part">
      <p>
        <span class="badge" safe>
          {title}
        </span>{' '}
        <b>
          <bdi class="data" safe>
            {name}
          </bdi>
        </b>
      </p>
      {text === '' ? '' : <NestedValue text={text} />}
    </div>
  );
}
