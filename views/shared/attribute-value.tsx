/** A value laid out as what it is: JSON as a tree, SQL by clauses, a stack trace by frames; what is long is folded. */
import { Html } from '@elysiajs/html';
import { formatCount } from '../format.ts';
import { jsonNodes } from './json-nodes.ts';
import type { JsonNode } from './json-nodes.ts';
import { layOutSql, looksLikeSql } from './sql-layout.ts';
import { stackParts } from './stack-parts.ts';

/** More of a value is in its copy and in the download alone: a page of megabytes helps nobody. */
const SHOWN_CHARS = 65_536;
const FOLD_CHARS = 400;
const FOLD_LINES = 8;
const PREVIEW_CHARS = 160;
/** A larger statement is shown as it was sent. */
const MAX_SQL_CHARS = 20_000;

const SQL_KEYS = /^(?:db\.statement|db\.query\.text|sql(?:\.query)?|db\.sql)$/;
const STACK_KEYS = /(?:^|\.)stack_?trace$/;

export function TextValue({ name, text }: { name: string; text: string }): JSX.Element {
  if (STACK_KEYS.test(name) && text.includes('\n')) return <StackTrace text={text.slice(0, SHOWN_CHARS)} />;
  if ((SQL_KEYS.test(name) || looksLikeSql(text)) && text.length <= MAX_SQL_CHARS && looksLikeSql(text))
    return <Sql text={text} />;
  const json = jsonNodes(text);
  if (json) return <JsonTree node={json} />;
  return <PlainText text={text} />;
}

/** Of lists and maps: the text is JSON. */
export function NestedValue({ text }: { text: string }): JSX.Element {
  const json = jsonNodes(text);
  return json ? <JsonTree node={json} /> : <PlainText text={text} />;
}

export function PlainText({ text }: { text: string }): JSX.Element {
  const isLong = text.length > FOLD_CHARS || text.split('\n', FOLD_LINES + 1).length > FOLD_LINES;
  if (!isLong) return <Data text={text} />;
  return (
    <details class="long-value">
      <summary>
        <Data text={`${text.slice(0, PREVIEW_CHARS).trimEnd()}…`} />{' '}
        <span class="note" safe>{`${formatCount(text.length)} characters`}</span>
      </summary>
      <Data text={text.slice(0, SHOWN_CHARS)} />
      {text.length > SHOWN_CHARS ? (
        <p class="note" safe>{`Cut after ${formatCount(SHOWN_CHARS)} characters; copying takes all.`}</p>
      ) : (
        ''
      )}
    </details>
  );
}

function Data({ text }: { text: string }): JSX.Element {
  return (
    <bdi class="data" safe>
      {text}
    </bdi>
  );
}

function Sql({ text }: { text: string }): JSX.Element {
  return (
    <pre class="sql data">
      {layOutSql(text).map(({ kind, text: word }) =>
        kind === 'keyword' || kind === 'string' || kind === 'number' || kind === 'comment' ? (
          <span class={`sql-${kind}`} safe>
            {word}
          </span>
        ) : (
          Html.escapeHtml(word)
        ),
      )}
    </pre>
  );
}

export function StackTrace({ text }: { text: string }): JSX.Element {
  return (
    <div class="stack">
      {stackParts(text).map(({ kind, lines }) => {
        const block = (
          <pre class={`stack-${kind} data`} safe>
            {lines.join('\n')}
          </pre>
        );
        if (kind !== 'library' || lines.length < 2) return block;
        return (
          <details>
            <summary class="note" safe>{`${lines.length} lines of libraries`}</summary>
            {block}
          </details>
        );
      })}
    </div>
  );
}

/** Open as far as a reader would open it. */
const OPEN_DEPTH = 3;
const OPEN_CHILDREN = 30;

function JsonTree({ node }: { node: JsonNode }): JSX.Element {
  return (
    <div class="json-tree">
      <JsonPart node={node} depth={0} />
    </div>
  );
}

function JsonPart({ node, depth, name }: { node: JsonNode; depth: number; name?: string }): JSX.Element {
  const key =
    name === undefined ? (
      ''
    ) : (
      <>
        <span class="json-key" safe>
          {name}
        </span>
        :{' '}
      </>
    );
  if (node.kind === 'scalar') {
    return (
      <div class="json-line">
        {key}
        <bdi class={`json-${scalarKind(node.text)} data`} safe>
          {node.text}
        </bdi>
      </div>
    );
  }
  const [open, close] = node.kind === 'array' ? '[]' : '{}';
  const children =
    node.kind === 'array' ? node.items.map((item) => [undefined, item] as const) : node.entries;
  if (children.length === 0) {
    return (
      <div class="json-line">
        {key}
        {`${open}${close}` as 'safe'}
      </div>
    );
  }
  return (
    <details class="json-group" open={depth < OPEN_DEPTH && children.length <= OPEN_CHILDREN}>
      <summary>
        {key}
        <span safe>{open}</span>
        <span class="note" safe>{` ${formatCount(children.length)} `}</span>
        <span safe>{close}</span>
      </summary>
      {children.map(([childName, child]) => (
        <JsonPart node={child} depth={depth + 1} name={childName} />
      ))}
    </details>
  );
}

function scalarKind(text: string): 'string' | 'number' | 'word' {
  return text.startsWith('"') ? 'string' : /^[-\d]/.test(text) ? 'number' : 'word';
}
