/** Attributes as rows of key, value and type; for each: search for it, without it, by it, and copy. */
import { Html } from '@elysiajs/html';
import type { Attribute } from '../../src/span/span.ts';
import { valueText } from '../../src/span/value.ts';
import { attr, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import type { IconName } from '../icons.tsx';
import { CopyButton } from '../layout.tsx';
import { attributeLinks } from './attribute-links.ts';
import { NestedValue, PlainText, TextValue } from './attribute-value.tsx';
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
        </colgroup>
        <thead class="hidden-visually">
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Value</th>
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
  const { only, without, groups } = attributeLinks(scope, attribute);
  return (
    <tr data-filter-row>
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
        <Value name={key} text={text} type={value.type} />
        {value.type === 'string' ? '' : <span class="type">{value.type}</span>}
        <span class="actions">
          <RowLink href={only} icon="filter" label={`Find spans with the same ${key}`} />
          <RowLink href={without} icon="filterOut" label={`Find spans with another ${key}`} />
          <RowLink href={groups} icon="group" label={`Rate of spans by ${key}`} />
          <CopyButton text={text} label={`Copy the value of ${key}`} />
        </span>
      </td>
    </tr>
  );
}

function RowLink({ href, icon, label }: { href: string; icon: IconName; label: string }): JSX.Element {
  if (href === '') return <></>;
  return (
    <a class="quiet" href={attr(href)} aria-label={attr(label)} title={attr(label)}>
      <Icon name={icon} />
    </a>
  );
}

interface ValueProps {
  readonly name: string;
  readonly text: string;
  readonly type: Attribute['value']['type'];
}

function Value({ name, text, type }: ValueProps): JSX.Element {
  if (type === 'empty') return <em class="missing">empty value</em>;
  if (text === '') return <em class="missing">empty text</em>;
  if (type === 'array' || type === 'kvlist') return <NestedValue text={text} />;
  return type === 'string' ? <TextValue name={name} text={text} /> : <PlainText text={text} />;
}

/** A long key breaks behind its dots, where a reader would break it. */
function keyParts(key: string): string[] {
  return key.split(/(?<=[._/])(?=[^._/])/);
}
