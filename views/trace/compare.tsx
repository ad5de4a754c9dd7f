/** `/compare`: two traces side by side, and what one did that the other did not. */
import { Html } from '@elysiajs/html';
import type { Coverage, TraceSummary } from '../../src/store/span-store.ts';
import type { StructureDiff, DiffRow } from '../../src/trace/structure-diff.ts';
import type { TraceTree } from '../../src/trace/tree.ts';
import { attr, formatCount, formatDuration, plural } from '../format.ts';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import {
  CoverageLine,
  ErrorCount,
  FullTime,
  LinkChoice,
  ServiceName,
  SpanName,
  StartTime,
} from '../shared/parts.tsx';
import { CompareRows } from './compare-rows.tsx';
import { compareHref } from './compare-state.ts';
import type { CompareState } from './compare-state.ts';
import { deltaText } from './view-nav.tsx';

export interface CompareProps {
  readonly shell: Shell;
  readonly state: CompareState;
  readonly a: TraceTree;
  readonly b: TraceTree;
  readonly diff: StructureDiff;
  /** Those from `state.row` on, in the order asked for. */
  readonly rows: readonly DiffRow[];
}

export function ComparePage({ shell, state, a, b, diff, rows }: CompareProps): JSX.Element {
  return (
    <Layout shell={shell} title="Compare two traces" current="search">
      <header class="page-head">
        <h1>Compare two traces</h1>
        <a href={compareHref(state, { a: state.b, b: state.a, row: 0 })}>Swap A and B</a>
      </header>
      <div class="sides">
        <Side letter="A" traceId={state.a} tree={a} other={undefined} />
        <Side letter="B" traceId={state.b} tree={b} other={a} />
      </div>
      <Verdict diff={diff} />
      <div class="view-bar">
        <LinkChoice
          label="Order"
          choices={[
            {
              text: 'By contribution',
              href: compareHref(state, { order: 'contribution', row: 0 }),
              current: state.order === 'contribution',
            },
            {
              text: 'By structure',
              href: compareHref(state, { order: 'structure', row: 0 }),
              current: state.order === 'structure',
            },
          ]}
        />
        <p class="note">
          Spans belong together by the services and names on their path; those of one path are added up. The
          change of self time is what a path itself contributes.
        </p>
      </div>
      <CompareRows state={state} a={a} b={b} rows={rows} total={diff.rows.length} />
    </Layout>
  );
}

interface SideProps {
  readonly letter: 'A' | 'B';
  readonly traceId: string;
  readonly tree: TraceTree;
  readonly other: TraceTree | undefined;
}

function Side({ letter, traceId, tree, other }: SideProps): JSX.Element {
  const root = tree.roots[0].span;
  const duration = tree.endUnixNano - tree.startUnixNano;
  return (
    <section class={`side is-${letter.toLowerCase()}`} aria-label={`Trace ${letter}`}>
      <h2>
        <span class="side-letter">{letter}</span>
        <ServiceName name={root.serviceName} />
        <a href={`/traces/${traceId}`}>
          <SpanName name={root.name} />
        </a>
      </h2>
      <p class="trace-id">
        <code safe>{traceId}</code>
      </p>
      <dl class="figures">
        <div>
          <dt>Start</dt>
          <dd>
            <FullTime unixNano={tree.startUnixNano} />
          </dd>
        </div>
        <div>
          <dt>Duration</dt>
          <dd class="num">
            <span safe>{formatDuration(duration)}</span>
            {other ? (
              <span class="none" safe>
                {` ${deltaText(Number(duration - (other.endUnixNano - other.startUnixNano)))}`}
              </span>
            ) : (
              ''
            )}
          </dd>
        </div>
        <div>
          <dt>Spans</dt>
          <dd class="num" safe>
            {formatCount(tree.nodes.length)}
          </dd>
        </div>
        <div>
          <dt>Errors</dt>
          <dd class="num">
            <ErrorCount count={tree.errorCount} />
          </dd>
        </div>
      </dl>
    </section>
  );
}

function Verdict({ diff }: { diff: StructureDiff }): JSX.Element {
  const { onlyA, onlyB, slower, faster, rows, selfDeltaNano } = diff;
  const same = rows.length - onlyA - onlyB - slower - faster;
  return (
    <p class="verdict num" safe>
      {`${plural(rows.length, 'path')}: ${formatCount(onlyA)} only in A, ${formatCount(onlyB)} only in B, ` +
        `${formatCount(slower)} slower in B, ${formatCount(faster)} faster, ${formatCount(same)} alike. ` +
        `Work of B against A: ${deltaText(selfDeltaNano)}.`}
    </p>
  );
}

export interface Similar {
  /** Shortest first. */
  readonly traces: readonly TraceSummary[];
  readonly typical: TraceSummary | undefined;
  readonly fastest: TraceSummary | undefined;
  readonly slowest: TraceSummary | undefined;
  readonly coverage: Coverage;
}

export interface CompareChoiceProps {
  readonly shell: Shell;
  readonly state: CompareState;
  /** Undefined while no trace is named. */
  readonly a: TraceTree | undefined;
  readonly similar: Similar | undefined;
  readonly now: bigint;
  /** The other trace's id, of which nothing is stored. */
  readonly missing: string;
}

/** With what? */
export function CompareChoice({ shell, state, a, similar, now, missing }: CompareChoiceProps): JSX.Element {
  const root = a?.roots[0].span;
  return (
    <Layout shell={shell} title="Compare traces" current="search">
      <div class="compare-choice">
        <h1>Compare traces</h1>
        {root ? (
          <p>
            <span class="none">A:</span> <ServiceName name={root.serviceName} />{' '}
            <a href={`/traces/${state.a}`}>
              <SpanName name={root.name} />
            </a>{' '}
            <code safe>{state.a}</code>
          </p>
        ) : (
          <p>Two traces side by side: which steps only one of them has, and where the other took its time.</p>
        )}
        {missing === '' ? (
          ''
        ) : (
          <p class="notice" safe>{`No span of trace ${missing} is stored in this project.`}</p>
        )}
        <form method="get" action="/compare">
          {root ? (
            <input type="hidden" name="a" value={state.a} />
          ) : (
            <>
              <label for="compare-a">Trace A</label>
              <input id="compare-a" name="a" type="text" required spellcheck="false" autocomplete="off" />
            </>
          )}
          <label for="compare-b">Trace B</label>
          <input id="compare-b" name="b" type="text" required={!root} spellcheck="false" autocomplete="off" />
          <button class="button">Compare</button>
        </form>
        {similar ? <Suggestions state={state} similar={similar} now={now} /> : ''}
      </div>
    </Layout>
  );
}

function Suggestions(props: { state: CompareState; similar: Similar; now: bigint }): JSX.Element {
  const { state, similar, now } = props;
  const { traces, typical, fastest, slowest, coverage } = similar;
  if (traces.length === 0) {
    return <p class="note">No other trace of this operation within an hour of it.</p>;
  }
  const named = [
    { what: 'Typical', trace: typical },
    { what: 'Fastest', trace: fastest },
    { what: 'Slowest', trace: slowest },
  ];
  return (
    <section>
      <h2>Traces like it</h2>
      <p class="note" safe>
        {`Of the ${plural(traces.length, 'trace')} of the same operation looked at, the newest within an hour of it. Typical is the median of those without errors.`}
      </p>
      <ul class="suggestions">
        {named.map(({ what, trace }) =>
          trace === undefined ? (
            ''
          ) : (
            <li>
              <a class="button is-quiet" href={attr(compareHref(state, { b: trace.traceId }))} safe>
                {what}
              </a>
              <span class="num" safe>
                {`${formatDuration(trace.durationNano)}, ${plural(trace.spanCount, 'span')}`}
              </span>
              <ErrorCount count={trace.errorCount} />
              <StartTime unixNano={trace.startTimeUnixNano} now={now} />
            </li>
          ),
        )}
      </ul>
      <CoverageLine coverage={coverage} />
    </section>
  );
}
