/** What is looked for in a trace, and which of its rows are shown. Links and forms: each is a state of the address. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import { neighbours } from '../../src/trace/matches.ts';
import type { Marks } from '../../src/trace/matches.ts';
import type { TraceTree } from '../../src/trace/tree.ts';
import { attr, formatCount, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ServiceName } from '../shared/parts.tsx';
import { rowsHref, traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';
import type { WaterfallProps } from './waterfall-props.ts';
import { flipped, waterfallFields } from './waterfall-state.ts';
import type { Only, WaterfallState } from './waterfall-state.ts';

type ToolbarProps = Pick<WaterfallProps, 'tree' | 'state' | 'found' | 'errors' | 'chosenCount'>;

export function TraceToolbar(props: ToolbarProps): JSX.Element {
  return (
    <div class="wf-tools">
      <Find {...props} />
      <OnlyChoice {...props} />
      <Errors {...props} />
      <Levels {...props} />
      <More {...props} />
      <ChosenLine {...props} />
    </div>
  );
}

function Find({ tree, state, found }: ToolbarProps): JSX.Element {
  const { rows, traceId, span } = state;
  const hidden = waterfallFields({ ...rows, q: '', row: 0 });
  return (
    <form
      class="wf-find"
      role="search"
      aria-label="In this trace"
      action={`/traces/${traceId}`}
      method="get"
      hx-get={`/traces/${traceId}`}
      hx-target="#waterfall"
    >
      {hidden.map(([name, value]) => (
        <input type="hidden" name={name} value={attr(value)} />
      ))}
      {span === '' ? '' : <input type="hidden" name="span" value={span} />}
      <label class="hidden-visually" for="find">
        Find in this trace
      </label>
      <input
        type="text"
        id="find"
        name="q"
        value={attr(rows.q)}
        placeholder="Find text or { TraceQL }"
        autocomplete="off"
        spellcheck="false"
        aria-describedby={found ? 'find-count' : undefined}
        aria-invalid={found && found.problem !== '' ? 'true' : undefined}
      />
      <button class="quiet" aria-label="Find" title="Find (f)">
        <Icon name="search" />
      </button>
      {found ? (
        <Steps
          id="find-count"
          marks={found.marks}
          count={found.count}
          tree={tree}
          state={state}
          keys={['N', 'n']}
          names={['Previous match', 'Next match']}
        />
      ) : (
        ''
      )}
      {found ? (
        <Act
          href={rowsHref(state, { q: '', only: rows.only === 'matches' ? '' : rows.only })}
          name="Find nothing"
        >
          <Icon name="close" />
        </Act>
      ) : (
        ''
      )}
      {found && found.problem !== '' ? (
        <p class="wf-problem error" role="alert">
          <Icon name="error" />
          <span safe>{found.problem}</span>
        </p>
      ) : (
        ''
      )}
    </form>
  );
}

interface StepsProps {
  readonly id?: string;
  readonly marks: Marks;
  readonly count: number;
  readonly tree: TraceTree;
  readonly state: TraceState;
  /** Of the previous and the next one. */
  readonly keys: readonly [string, string];
  readonly names: readonly [string, string];
}

/** `3 of 12`, with the ways to the one before and the one after the open span. */
function Steps({ id, marks, count, tree, state, keys, names }: StepsProps): JSX.Element {
  const at = state.span === '' ? -1 : (tree.byId.get(state.span)?.index ?? -1);
  const { previous, next, rank } = neighbours(marks, at);
  const href = (index: number): string => traceHref(state, { span: tree.nodes[index].span.spanId });
  return (
    <span class="wf-steps">
      <span class="num" id={id} role="status" safe>
        {rank > 0
          ? `${formatCount(rank)} of ${formatCount(count)}`
          : count === 0
            ? 'none'
            : formatCount(count)}
      </span>
      {count > 0 ? (
        <>
          <Act href={href(previous)} name={`${names[0]} (${keys[0]})`} press={keys[0]} target="#trace-body">
            <span aria-hidden="true">↑</span>
          </Act>
          <Act href={href(next)} name={`${names[1]} (${keys[1]})`} press={keys[1]} target="#trace-body">
            <span aria-hidden="true">↓</span>
          </Act>
        </>
      ) : (
        ''
      )}
    </span>
  );
}

interface ActProps {
  readonly href: string;
  readonly name: string;
  /** The key that does the same. */
  readonly press?: string;
  readonly target?: '#waterfall' | '#trace-body';
  readonly children?: Children;
}

function Act({ href, name, press, target = '#waterfall', children }: ActProps): JSX.Element {
  return (
    <a
      class="quiet"
      href={attr(href)}
      hx-get={attr(href)}
      hx-target={target}
      aria-label={attr(name)}
      title={attr(name)}
      data-key={press}
      id={press === undefined ? undefined : `step-${name.slice(0, -4).toLowerCase().replaceAll(' ', '-')}`}
    >
      {children}
    </a>
  );
}

function OnlyChoice({ tree, state, found }: ToolbarProps): JSX.Element {
  const { rows } = state;
  const choices: [only: '' | Only, text: string, title: string][] = [['', 'All', 'All spans']];
  if (tree.errorCount > 0) choices.push(['errors', 'Errors', 'Spans with an error']);
  if (found && found.count > 0) choices.push(['matches', 'Matches', 'Spans that were found']);
  choices.push(
    ['critical', 'Critical path', 'Spans that held the trace up'],
    ['entries', 'Calls', 'Where a service is entered'],
  );
  if (rows.toNano > 0n) choices.push(['window', 'In time', 'Spans that run in the time shown']);
  return (
    <Choice
      label="Spans shown"
      links={choices.map(([only, text, title]) => ({
        text,
        title: only === '' ? title : `${title}, and those above them`,
        href: rowsHref(state, { only, toggled: new Set() }),
        current: rows.only === only,
      }))}
    />
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly links: readonly {
    readonly text: string;
    readonly title: string;
    readonly href: string;
    readonly current: boolean;
  }[];
}

function Choice({ label, links }: ChoiceProps): JSX.Element {
  return (
    <div class="choice" role="group" aria-label={label}>
      {links.map(({ text, title, href, current }) => (
        <a
          href={attr(href)}
          hx-get={attr(href)}
          hx-target="#waterfall"
          title={attr(title)}
          aria-current={current ? 'true' : undefined}
          safe
        >
          {text}
        </a>
      ))}
    </div>
  );
}

function Errors({ tree, state, errors }: ToolbarProps): JSX.Element {
  if (tree.errorCount === 0) return <></>;
  return (
    <span class="wf-errors">
      <span class="error" title={plural(tree.errorCount, 'error')}>
        <Icon name="error" />
        <span class="hidden-visually">Errors</span>
      </span>
      <Steps
        marks={errors}
        count={tree.errorCount}
        tree={tree}
        state={state}
        keys={['[', ']']}
        names={['Previous error', 'Next error']}
      />
    </span>
  );
}

/** More levels than this are asked for by collapsing. */
const MAX_LEVEL_LINKS = 4;

function Levels({ tree, state }: ToolbarProps): JSX.Element {
  if (tree.depth < 2) return <></>;
  const { levels } = state.rows;
  const some = Array.from({ length: Math.min(MAX_LEVEL_LINKS, tree.depth - 1) }, (_, i) => i + 1);
  const to = (wanted: number): string => rowsHref(state, { levels: wanted, toggled: new Set() });
  return (
    <Choice
      label="Levels shown"
      links={[
        ...some.map((level) => ({
          text: level === 1 ? 'Level 1' : `–${level}`,
          title: level === 1 ? 'Only the top level' : `Levels 1 to ${level}`,
          href: to(level),
          current: levels === level,
        })),
        {
          text: 'All',
          title: `All ${plural(tree.depth, 'level')}`,
          href: to(0),
          current: levels === 0,
        },
      ]}
    />
  );
}

const MAX_SERVICES = 40;
/** A longer name would not fit in an address. */
const MAX_SERVICE_CHARS = 200;

/** What is needed less often: folds, services collapsed. */
function More({ tree, state }: ToolbarProps): JSX.Element {
  const { rows } = state;
  const changed = rows.closed.size + (rows.folds ? 0 : 1);
  const services = [...new Set(tree.nodes.map(({ span }) => span.serviceName))];
  const shown = services.filter((name) => name.length <= MAX_SERVICE_CHARS).slice(0, MAX_SERVICES);
  return (
    <details class="wf-more">
      <summary class="quiet">
        {changed > 0 ? (`Rows (${changed})` as 'safe') : 'Rows'}
        <Icon name="chevronDown" />
      </summary>
      <div class="wf-more-body">
        <h3>Similar siblings</h3>
        <MoreLink state={state} change={{ folds: !rows.folds }} on={rows.folds}>
          Ten or more of one name on one row
        </MoreLink>
        <h3>Collapse the spans of</h3>
        <ul>
          {shown.map((name) => (
            <li>
              <MoreLink
                state={state}
                change={{ closed: flipped(rows.closed, name) }}
                on={rows.closed.has(name)}
              >
                <ServiceName name={name} />
              </MoreLink>
            </li>
          ))}
        </ul>
        {services.length > shown.length ? (
          <p class="note">
            {`${formatCount(services.length - shown.length)} more services are not listed.` as 'safe'}
          </p>
        ) : (
          ''
        )}
      </div>
    </details>
  );
}

interface MoreLinkProps {
  readonly state: TraceState;
  readonly change: Partial<WaterfallState>;
  readonly on: boolean;
  readonly children?: Children;
}

function MoreLink({ state, change, on, children }: MoreLinkProps): JSX.Element {
  const href = attr(rowsHref(state, { ...change, toggled: new Set() }));
  return (
    <a
      class="wf-check"
      href={href}
      hx-get={href}
      hx-target="#waterfall"
      aria-current={on ? 'true' : undefined}
    >
      <span class="wf-box" aria-hidden="true">
        {on ? <Icon name="check" /> : ''}
      </span>
      {children}
      {on ? <span class="hidden-visually"> (on)</span> : ''}
    </a>
  );
}

const CHOSEN: Readonly<Record<Only, string>> = {
  errors: 'with an error',
  matches: 'that match',
  critical: 'on the critical path',
  entries: 'where a service is entered',
  window: 'in the time shown',
};

/** Rows that are left out are said to be. */
function ChosenLine({ tree, state, chosenCount }: ToolbarProps): JSX.Element {
  const { only } = state.rows;
  if (only === '' || chosenCount === undefined) return <></>;
  const rest = `of ${formatCount(tree.nodes.length)} ${CHOSEN[only]}, with those above them`;
  return <p class="wf-chosen note" role="status" safe>{`${plural(chosenCount, 'span')} ${rest}`}</p>;
}
