/** Cells of figures that lead to their traces, with their course and their change. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import { attr } from '../format.ts';
import { Icon } from '../icons.tsx';
import { Sparkline } from '../shared/sparkline.tsx';
import type { SparklineProps } from '../shared/sparkline.tsx';
import type { Change } from './change.ts';

/** A figure too long for an address leads nowhere, and is no link. */
export function FigureLink(props: {
  href: string;
  /** What the link leads to, for who hears only the figure. */
  label?: string;
  children?: Children;
}): JSX.Element {
  if (props.href === '') return <span>{props.children}</span>;
  return (
    <a href={attr(props.href)} title={props.label === undefined ? undefined : attr(props.label)}>
      {props.children}
    </a>
  );
}

export interface FigureCellProps {
  readonly label: string;
  readonly href: string;
  readonly leadsTo: string;
  readonly change: Change | undefined;
  /** Undefined: there is none; null: there is room for it. */
  readonly course?: SparklineProps | null | undefined;
  readonly children?: Children;
}

export function FigureCell(props: FigureCellProps): JSX.Element {
  const { label, href, leadsTo, change, course } = props;
  return (
    <td class={course === undefined ? 'num figure' : 'num figure has-spark'} data-label={label}>
      <span class="figure-box">
        {course === undefined ? '' : course === null ? <i class="spark"></i> : <Sparkline {...course} />}
        <span class="figure-text">
          <FigureLink href={href} label={leadsTo}>
            {props.children}
          </FigureLink>
          {change === undefined ? '' : <ChangeText change={change} />}
        </span>
      </span>
    </td>
  );
}

/** An arrow and a figure; worse is told by an icon too. */
export function ChangeText({ change }: { change: Change }): JSX.Element {
  if (change.text === '') return <span class="change is-neutral"></span>;
  return (
    <span class={`change is-${change.tone}`} title={change.words}>
      {change.tone === 'worse' ? <Icon name="error" /> : ''}
      <span aria-hidden="true" safe>
        {change.text}
      </span>
      <span class="hidden-visually" safe>
        {change.words}
      </span>
    </span>
  );
}
