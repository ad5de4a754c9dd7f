/** Attributes as rows of key, value and type, with copy and "filter for". */
import { Html } from '@elysiajs/html';
import type { Attribute } from '../../src/span/span.ts';
import { valueText } from '../../src/span/value.ts';
import { attr, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { CopyButton } from '../layout.tsx';
import { attributeHref } from './query-links.ts';
import type { FilterScope } from './query-links.ts';

export interface AttributesProps {
  readonly label: string;
  readonly scope: FilterScope;
  readonly attributes: readonly Attribute[];
  readonly droppedCount: number;
}

export function AttributesTable({ label, scope, attributes, droppedCount }: AttributesProps): JSX.Element {
  if (attributes.length === 0 && droppedCount === 0) return <p class="none">None</p>;
  const sorted = attributes.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return (
    <>
      <table class="attributes" aria-label={attr(label)}>
        <colgroup>
          <col class="col-key" />
          <col />
          <col class="col-actions" />
        </colgroup>
        <thead class="hidden-visually">
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Value</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((attribute) => (
            <AttributeRow scope={scope} attribute={attribute} />
          ))}
        </tbody>
      </table>
      {droppedCount > 0 ? (
        <p class="note" safe>{`${plural(droppedCount, 'more attribute')} dropped by the sender`}</p>
      ) : (
        ''
      )}
    </>
  );
}

function AttributeRow({ scope, attribute }: { scope: FilterScope; attribute: Attribute }): JSX.Element {
  const { key, value } = attribute;
  const text = valueText(value);
  const filter = attributeHref(scope, attribute);
  return (
    <tr>
      <th scope="row">
        <bdi class="data">
          {keyParts(key).map((part) => (
            <>
              <span safe>{part}</span>
              <wbr />
            </>
          ))}
        </bdi>
      </th>
      <td class={`value type-${value.type}`}>
        <Value text={text} type={value.type} />
        {value.type === 'string' ? '' : <span class="type">{value.type}</span>}
      </td>
      <td class="actions">
        {filter === '' ? (
          ''
        ) : (
          <a
            class="quiet"
            href={attr(filter)}
            aria-label={attr(`Find spans with the same ${key}`)}
            title={attr(`Find spans with the same ${key}`)}
          >
            <Icon name="filter" />
          </a>
        )}
        <CopyButton text={text} label={`Copy the value of ${key}`} />
      </td>
    </tr>
  );
}

function Value({ text, type }: { text: string; type: Attribute['value']['type'] }): JSX.Element {
  if (type === 'empty') return <em class="missing">empty value</em>;
  if (text === '') return <em class="missing">empty text</em>;
  return (
    <bdi class="data" safe>
      {text}
    </bdi>
  );
}

/** A long key breaks behind its dots, where a reader would break it. */
function keyParts(key: string): string[] {
  return key.split(/(?<=[._/])(?=[^._/])/);
}
