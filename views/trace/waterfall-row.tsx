/** A row of the waterfall: a span, or a fold of similar ones. */
import { Html } from '@elysiajs/html';
import type { SimilarFigures, SimilarSpans } from '../../src/trace/fold.ts';
import { selfParts } from '../../src/trace/timing.ts';
import { isError } from '../../src/trace/tree.ts';
import type { TraceNode } from '../../src/trace/tree.ts';
import type { WaterfallRow } from '../../src/trace/waterfall.ts';
import { attr, formatCount, formatDuration, plural, serviceClass } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ServiceName, SpanName } from '../shared/parts.tsx';
import { traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';
import { duration, FoldBar, lengthOf, SpanBar } from './waterfall-bar.tsx';
import { ROW_PX } from './waterfall-props.ts';
import type { WaterfallProps } from './waterfall-props.ts';
import { flipped } from './waterfall-state.ts';
import type { TimeWindow } from './zoom.ts';

/** Levels drawn as indentation; deeper ones stand at the last and say their number. */
const MAX_INDENT = 24;
const INDENT_PX = 12;

/** What all rows of an answer share. */
export interface RowsProps extends Pick<WaterfallProps, 'tree' | 'timing' | 'critical' | 'found' | 'state'> {
  readonly window: TimeWindow;
}

export interface RowProps {
  readonly row: WaterfallRow;
  readonly all: RowsProps;
  /** The one row that Tab reaches. */
  readonly focusable: boolean;
}

export function Row({ row, all, focusable }: RowProps): JSX.Element {
  const { entry } = row;
  return 'kind' in entry ? (
    <FoldRow row={row} fold={entry} all={all} focusable={focusable} />
  ) : (
    <SpanRow row={row} node={entry} all={all} focusable={focusable} />
  );
}

function rowAttributes(
  { level, position, siblings, row, hasChildren, open }: WaterfallRow,
  focusable: boolean,
) {
  return {
    role: 'row',
    'aria-level': level + 1,
    'aria-posinset': position,
    'aria-setsize': siblings,
    'aria-rowindex': row + 2,
    'aria-expanded': hasChildren ? (open ? 'true' : 'false') : undefined,
    tabindex: focusable ? '0' : '-1',
  } as const;
}

function SpanRow({ row, node, all, focusable }: RowProps & { node: TraceNode }): JSX.Element {
  const { state, timing, critical, found } = all;
  const { span } = node;
  const href = attr(traceHref(state, { span: span.spanId }));
  const isHit = found?.marks[node.index] === 1;
  const onPath = critical.isOn[node.index] === 1;
  const classes = `wf-row ${serviceClass(span.serviceName)}${isHit ? ' is-hit' : ''}${onPath ? ' is-critical' : ''}`;
  return (
    <div
      {...rowAttributes(row, focusable)}
      id={`row-${node.index}`}
      data-span={span.spanId}
      class={classes}
      aria-selected={span.spanId === state.span ? 'true' : 'false'}
    >
      <div role="gridcell" class="wf-name">
        <Indent level={row.level} />
        <Toggle row={row} state={state} label={plural(node.descendants, 'span')} />
        <a
          class="wf-link"
          href={href}
          tabindex="-1"
          hx-get={href}
          hx-target="#span-panel"
          hx-push-url="true"
          data-open
        >
          <ServiceName name={span.serviceName} />
          <SpanName name={span.name} />
        </a>
        <Flags row={row} node={node} isHit={isHit} />
      </div>
      <div role="gridcell" class="num wf-duration" safe>
        {formatDuration(span.durationNano)}
      </div>
      <div role="gridcell" class="num wf-self" safe>
        {node.children.length === 0 ? '' : duration(lengthOf(selfParts(timing, node)))}
      </div>
      <div role="gridcell" class="wf-bar">
        <SpanBar node={node} tree={all.tree} timing={timing} critical={critical} window={all.window} />
      </div>
    </div>
  );
}

function FoldRow({ row, fold, all, focusable }: RowProps & { fold: SimilarSpans }): JSX.Element {
  const [{ span }] = fold.members;
  const { figures } = row;
  if (!figures) return <></>;
  const href = toggleHref(row, all.state);
  const hits = all.found ? fold.members.filter(({ index }) => all.found?.marks[index] === 1).length : 0;
  return (
    <div
      {...rowAttributes(row, focusable)}
      id={`row-${row.key}`}
      class={`wf-row is-fold ${serviceClass(span.serviceName)}${hits > 0 ? ' is-hit' : ''}`}
    >
      <div role="gridcell" class="wf-name">
        <Indent level={row.level} />
        <Toggle row={row} state={all.state} label={plural(fold.members.length, 'similar span')} />
        <a class="wf-link" href={href} tabindex="-1" hx-get={href} hx-target="#waterfall" data-open>
          <ServiceName name={span.serviceName} />
          <SpanName name={span.name} />
        </a>
        <FoldFlags count={fold.members.length} figures={figures} open={row.open} hits={hits} />
      </div>
      <div role="gridcell" class="num wf-duration" title="95 of 100 calls took no longer">
        <span class="none">p95</span> <span safe>{duration(figures.p95Nano)}</span>
      </div>
      <div role="gridcell" class="num wf-self" title="All calls in sum">
        <span class="none">Σ</span> <span safe>{duration(figures.sumNano)}</span>
      </div>
      <div role="gridcell" class="wf-bar">
        <FoldBar fold={fold} figures={figures} timing={all.timing} window={all.window} />
      </div>
    </div>
  );
}

interface FoldFlagsProps {
  readonly count: number;
  readonly figures: SimilarFigures;
  readonly open: boolean;
  readonly hits: number;
}

function FoldFlags({ count, figures, open, hits }: FoldFlagsProps): JSX.Element {
  return (
    <span class="wf-flags">
      <span class="badge">{`${formatCount(count)} calls` as 'safe'}</span>
      {hits > 0 ? (
        <span class="hit" title={plural(hits, 'match', 'matches')}>
          <Icon name="search" />
          <span safe>{formatCount(hits)}</span>
        </span>
      ) : (
        ''
      )}
      {figures.errorCount > 0 && !open ? <ErrorsBelow count={figures.errorCount} /> : ''}
    </span>
  );
}

/** Lines that lead from a span down to its children. */
function Indent({ level }: { level: number }): JSX.Element {
  const levels = Math.min(level, MAX_INDENT);
  let path = '';
  for (let i = 0; i < levels; i++) path += `M${i * INDENT_PX + 8} 0V${ROW_PX}`;
  return (
    <>
      {levels > 0 ? (
        <svg class="indent" width={levels * INDENT_PX} height={ROW_PX} aria-hidden="true">
          <path d={path} />
        </svg>
      ) : (
        ''
      )}
      {level > MAX_INDENT ? (
        <span class="depth" title={`Level ${level + 1}`}>
          {level + 1}
        </span>
      ) : (
        ''
      )}
    </>
  );
}

function toggleHref({ entry, key, open }: WaterfallRow, state: TraceState): string {
  // The open span would be brought back into view by a page that is loaded anew.
  const hides = open && !('kind' in entry) && entry.descendants > 0;
  const rows = { ...state.rows, toggled: flipped(state.rows.toggled, key) };
  return attr(traceHref(state, hides ? { rows, span: '' } : { rows }));
}

function Toggle({ row, state, label }: { row: WaterfallRow; state: TraceState; label: string }): JSX.Element {
  if (!row.hasChildren) return <span class="toggle"></span>;
  const href = toggleHref(row, state);
  const name = row.open ? 'Collapse' : 'Expand';
  const meaning = attr('kind' in row.entry ? `${name} ${label}` : `${name} ${label} below`);
  return (
    <a
      class="toggle"
      href={href}
      tabindex="-1"
      hx-get={href}
      hx-target="#waterfall"
      aria-label={meaning}
      title={meaning}
      data-toggle
    >
      <Icon name={row.open ? 'chevronDown' : 'chevronRight'} />
    </a>
  );
}

function ErrorsBelow({ count }: { count: number }): JSX.Element {
  return (
    <span class="error below" title={`${plural(count, 'error')} below`}>
      <Icon name="error" />
      <span safe>{formatCount(count)}</span>
      <span class="hidden-visually">errors below</span>
    </span>
  );
}

/** Longer ones are read in the panel. */
const MAX_MESSAGE = 300;

/** What a row says besides its name: its error, errors hidden below it, a match, a parent that never came. */
function Flags({ row, node, isHit }: { row: WaterfallRow; node: TraceNode; isHit: boolean }): JSX.Element {
  const { span } = node;
  const hidden = !row.open && node.descendants > 0;
  return (
    <span class="wf-flags">
      {isError(span) ? (
        <span
          class="error"
          title={attr(
            span.statusMessage === '' ? 'Error' : `Error: ${span.statusMessage.slice(0, MAX_MESSAGE)}`,
          )}
        >
          <Icon name="error" />
          <span class="hidden-visually">Error</span>
        </span>
      ) : (
        ''
      )}
      {isHit ? (
        <span class="hit" title="Match">
          <Icon name="search" />
          <span class="hidden-visually">Match</span>
        </span>
      ) : (
        ''
      )}
      {hidden && node.errorsBelow > 0 ? <ErrorsBelow count={node.errorsBelow} /> : ''}
      {hidden && row.hasChildren ? (
        <span class="badge">{`+${formatCount(node.descendants)}` as 'safe'}</span>
      ) : (
        ''
      )}
      {node.rootReason === 'orphan' ? (
        <span class="badge is-warning" title={attr(orphanCause(node))}>
          <Icon name="info" />
          <span class="words"> parent missing</span>
          <span class="hidden-visually" safe>
            {orphanCause(node)}
          </span>
        </span>
      ) : (
        ''
      )}
      {node.rootReason === 'cycle' ? (
        <span class="badge is-warning" title="Its ancestors form a ring; it is shown at the top">
          <Icon name="info" />
          <span class="words"> ring of parents</span>
        </span>
      ) : (
        ''
      )}
    </span>
  );
}

const KIND_SERVER = 2;
const KIND_CONSUMER = 5;

/** What can be told from the span alone. */
function orphanCause({ span }: TraceNode): string {
  const parent = `Its parent ${span.parentSpanId} is not here. `;
  return span.kind === KIND_SERVER || span.kind === KIND_CONSUMER
    ? `${parent}It is a span of whoever called this service: that one does not send here, or did not sample it.`
    : `${parent}It is most likely a span of the same service: not ended, lost on the way, or not sampled.`;
}
