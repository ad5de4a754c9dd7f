/** How long traces stay: the rules as text, the largest size, and how near it is. */
import { Html } from '@elysiajs/html';
import type { ProjectUsage, StoreHealth } from '../../src/store/store-upkeep.ts';
import { attr, formatBytes, formatCount, formatDate, formatPercent } from '../format.ts';
import { Icon } from '../icons.tsx';

export interface RetentionProps {
  /** What the form shows: the rules as text, and what was wrong with those sent last. */
  readonly retention: { readonly rules: string; readonly maxSize: string; readonly problem: string };
  /** As it holds now; undefined: no bound. */
  readonly maxBytes: number | undefined;
  readonly health: StoreHealth;
  readonly usage: ProjectUsage;
  readonly now: bigint;
  readonly mayChange: boolean;
  /** Said in place of the button. */
  readonly whyNot: string;
  readonly saved: boolean;
}

const DAY_NANO = 86_400_000_000_000n;

export function Retention(props: RetentionProps): JSX.Element {
  const { retention, health, mayChange, saved } = props;
  return (
    <section class="card" aria-labelledby="retention">
      <div class="card-head">
        <h2 id="retention">Retention</h2>
        {saved ? (
          <span class="state-good" role="status">
            <Icon name="check" />
            Saved
          </span>
        ) : (
          ''
        )}
      </div>
      <p class="none">
        One rule a line: which traces, and for how long. The first rule that finds a trace decides, so
        specific rules come first and <code>{'{}'}</code> last. What no rule finds stays; so do pinned traces.
        Age counts from a span’s start.
      </p>
      {health.retentionPaused === '' ? (
        ''
      ) : (
        <p class="notice">
          <Icon name="info" />
          <span safe>{`Retention waits: ${health.retentionPaused}`}</span>
        </p>
      )}
      {retention.problem === '' ? (
        ''
      ) : (
        <p class="status-error" role="alert" id="retention-problem">
          <Icon name="error" />
          <span safe>{retention.problem}</span>
        </p>
      )}
      <Filling {...props} />
      <form method="post" action="/settings/retention" class="retention">
        <label for="rules">Rules</label>
        <textarea
          id="rules"
          name="rules"
          rows="4"
          spellcheck="false"
          placeholder={'{ status = error } 30d\n{ duration > 1s } 14d\n{} 7d'}
          readonly={!mayChange}
          aria-describedby={retention.problem === '' ? undefined : 'retention-problem'}
          safe
        >
          {retention.rules}
        </textarea>
        <label for="max-size">Largest size of this project’s files</label>
        <input
          id="max-size"
          name="maxSize"
          type="text"
          value={attr(retention.maxSize)}
          placeholder="no bound; 50GiB"
          readonly={!mayChange}
        />
        {mayChange ? (
          <button class="button">Save</button>
        ) : (
          <p class="note" safe>
            {props.whyNot}
          </p>
        )}
      </form>
    </section>
  );
}

/** What is kept now, and how long it can go on so. */
function Filling({ usage, maxBytes, health, now }: RetentionProps): JSX.Element {
  const { bytes, oldestUnixNano } = usage;
  const parts = [`This project’s files: ${formatBytes(bytes)}`];
  if (maxBytes !== undefined) parts[0] += ` of ${formatBytes(maxBytes)}, ${formatPercent(bytes / maxBytes)}`;
  if (oldestUnixNano !== undefined) {
    const days = Number((now - oldestUnixNano) / DAY_NANO);
    parts.push(
      `the oldest span is of ${formatDate(oldestUnixNano)}${days > 1 ? `, ${formatCount(days)} days back` : ''}`,
    );
  }
  if (health.daysLeft !== undefined && health.daysLeft <= 3650) {
    parts.push(`at the pace of the last days the disk lasts ${formatDays(health.daysLeft)}`);
  }
  return (
    <p class="num" safe>
      {`${parts.join('; ')}.`}
    </p>
  );
}

function formatDays(days: number): string {
  return days < 10 ? `${days.toFixed(1)} days` : `${formatCount(days)} days`;
}
