/** `/settings`: how the store fares, how long traces stay, which are pinned, what was removed. */
import { Html } from '@elysiajs/html';
import type { AuditEntry, PinnedTrace, ProjectUsage, StoreHealth } from '../src/store/store-upkeep.ts';
import {
  attr,
  formatAgo,
  formatBytes,
  formatCount,
  formatDate,
  formatDuration,
  formatTime,
  plural,
} from './format.ts';
import { Icon } from './icons.tsx';
import { Layout } from './layout.tsx';
import type { Shell } from './layout.tsx';

export interface SettingsProps {
  readonly shell: Shell;
  readonly now: bigint;
  readonly health: StoreHealth;
  readonly usage: ProjectUsage;
  /** What the form shows: the rules as text, and what was wrong with those sent last. */
  readonly retention: { readonly rules: string; readonly maxSize: string; readonly problem: string };
  readonly pins: readonly PinnedTrace[];
  readonly audit: readonly AuditEntry[];
  /** False for a token that may only read. */
  readonly mayChange: boolean;
  readonly saved: boolean;
}

const NANO_PER_MS = 1_000_000n;

export function SettingsPage(props: SettingsProps): JSX.Element {
  return (
    <Layout shell={props.shell} title="Settings" current="settings">
      <header class="page-head">
        <h1>Settings</h1>
        <p class="note" safe>{`Project ${props.usage.projectId}`}</p>
      </header>
      <div class="settings">
        <Storage {...props} />
        <Retention {...props} />
        <Pins {...props} />
        <Removals {...props} />
      </div>
    </Layout>
  );
}

function Figure(props: { term: string; value: string; note?: string; title?: string }): JSX.Element {
  return (
    <div>
      <dt safe>{props.term}</dt>
      <dd class="num" title={attr(props.title ?? '')} safe>
        {props.value}
      </dd>
      {props.note ? (
        <dd class="none" safe>
          {props.note}
        </dd>
      ) : (
        ''
      )}
    </div>
  );
}

function Storage({ health, usage, now }: SettingsProps): JSX.Element {
  const perSpan = health.fileRows === 0 ? '–' : `${(health.fileBytes / health.fileRows).toFixed(1)} B`;
  const fsyncAt = BigInt(Math.round(health.lastFsyncAt)) * NANO_PER_MS;
  return (
    <section class="card" aria-labelledby="storage">
      <div class="card-head">
        <h2 id="storage">Storage</h2>
        {health.writable ? (
          <span class="state-good">
            <Icon name="check" />
            Takes spans
          </span>
        ) : (
          <span class="error">
            <Icon name="error" />
            <span safe>{`Takes no spans: ${health.reason}`}</span>
          </span>
        )}
      </div>
      <dl class="figures">
        <Figure
          term="In files"
          value={plural(health.fileRows, 'span')}
          note={`${formatBytes(health.fileBytes)}, ${perSpan} a span`}
        />
        <Figure
          term="Files"
          value={formatCount(health.files)}
          note={`and ${formatBytes(health.indexBytes)} of indexes`}
        />
        <Figure
          term="Not in files yet"
          value={plural(health.bufferRows, 'span')}
          note={
            health.logBytes === 0
              ? 'the log is empty'
              : `log ${formatBytes(health.logBytes)}, ${formatSeconds(health.logAgeSeconds)} old`
          }
        />
        <Figure
          term="Last fsync"
          value={health.lastFsyncAt === 0 ? '–' : formatMs(health.lastFsyncMs)}
          note={health.lastFsyncAt === 0 ? 'none since the start' : formatAgo(fsyncAt, now)}
        />
        <Figure
          term="To be merged"
          value={plural(health.compactionDebtFiles, 'file')}
          note={
            health.compactionDebtRows === 0
              ? 'all tidy'
              : `${plural(health.compactionDebtRows, 'span')} wait for compaction`
          }
        />
        <Figure
          term="Came again"
          value={plural(health.duplicateRequests, 'request')}
          note={`and ${plural(health.duplicateSpans, 'span')}, since the start`}
          title="Delivered twice and kept once"
        />
        <Figure
          term="This project"
          value={formatBytes(usage.bytes)}
          note={
            usage.oldestUnixNano === undefined
              ? 'no files yet'
              : `${plural(usage.rows, 'span')} since ${formatDate(usage.oldestUnixNano)}`
          }
        />
        <Figure term="Disk lasts" value={daysText(health.daysLeft)} note="at the pace of the last days" />
      </dl>
      <DiskBar health={health} />
      {health.lastProblem === '' ? (
        ''
      ) : (
        <p class="notice">
          <Icon name="info" />
          <span safe>{`Last problem: ${health.lastProblem}`}</span>
        </p>
      )}
      <Quarantined health={health} projectId={usage.projectId} />
    </section>
  );
}

function formatMs(ms: number): string {
  return formatDuration(BigInt(Math.round(ms * 1e6)));
}

function formatSeconds(seconds: number): string {
  return formatDuration(BigInt(Math.round(seconds)) * 1_000_000_000n);
}

function daysText(days: number | undefined): string {
  if (days === undefined) return '–';
  if (days > 3650) return 'over 10 years';
  return days < 10 ? `${days.toFixed(1)} days` : `${formatCount(days)} days`;
}

/** What the disk holds, what of it is this store's, and where writes stop. */
function DiskBar({ health }: { health: StoreHealth }): JSX.Element {
  const { diskFreeBytes, diskTotalBytes, diskReserveBytes, fileBytes, indexBytes, logBytes } = health;
  if (diskTotalBytes === 0) return <></>;
  const share = (bytes: number) => Math.min(100, Math.max(0, (bytes / diskTotalBytes) * 100));
  const own = share(fileBytes + indexBytes + logBytes);
  const used = share(diskTotalBytes - diskFreeBytes);
  const text =
    `${formatBytes(diskFreeBytes)} of ${formatBytes(diskTotalBytes)} free; ` +
    `spans are refused below ${formatBytes(diskReserveBytes)}`;
  return (
    <div class="disk">
      <svg class="disk-bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label={attr(text)}>
        <rect class="track" x="0" y="0" width="100" height="4" />
        <rect class="fill" x="0" y="0" width={String(used)} height="4" />
        <rect class="own" x="0" y="0" width={String(Math.max(own, own > 0 ? 0.4 : 0))} height="4" />
        <rect class="limit" x={String(100 - share(diskReserveBytes))} y="0" width="0.3" height="4" />
      </svg>
      <p class="note" safe>
        {text}
      </p>
    </div>
  );
}

function Quarantined({ health, projectId }: { health: StoreHealth; projectId: string }): JSX.Element {
  if (health.quarantined.length === 0) return <></>;
  const own = health.quarantined.filter(({ path }) => path.includes(`/project=${projectId}/`));
  return (
    <div class="status-error">
      <Icon name="error" />
      <div>
        <p safe>
          {`${plural(health.quarantined.length, 'file')} damaged and left out of answers. ` +
            'Stop the server and run: spanlake verify --repair'}
        </p>
        <ul>
          {own.map(({ path, reason }) => (
            <li>
              <code safe>{path}</code> <span safe>{reason}</span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Retention({ retention, health, mayChange, saved }: SettingsProps): JSX.Element {
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
          <p class="note">To change this, sign in with an admin token.</p>
        )}
      </form>
    </section>
  );
}

function Pins({ pins, now, mayChange }: SettingsProps): JSX.Element {
  return (
    <section class="card" aria-labelledby="pins">
      <h2 id="pins">Pinned traces</h2>
      {pins.length === 0 ? (
        <p class="none">None. A trace’s own page has the button.</p>
      ) : (
        <div class="scroll">
          <table class="list">
            <thead>
              <tr>
                <th>Trace</th>
                <th>Note</th>
                <th>Pinned</th>
                <th>
                  <span class="hidden-visually">Action</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {pins.map(({ traceId, note, pinnedAt }) => (
                <tr>
                  <td>
                    <a href={`/traces/${traceId}`}>
                      <code safe>{traceId}</code>
                    </a>
                  </td>
                  <td class="data" safe>
                    {note}
                  </td>
                  <td safe>{formatAgo(BigInt(pinnedAt) * NANO_PER_MS, now)}</td>
                  <td>
                    {mayChange ? (
                      <form method="post" action={`/traces/${traceId}/unpin?next=/settings`}>
                        <button class="quiet">Unpin</button>
                      </form>
                    ) : (
                      ''
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Removals({ audit }: SettingsProps): JSX.Element {
  return (
    <section class="card" aria-labelledby="removals">
      <h2 id="removals">Removed, pinned, repaired</h2>
      {audit.length === 0 ? (
        <p class="none">Nothing yet.</p>
      ) : (
        <div class="scroll">
          <table class="list">
            <thead>
              <tr>
                <th>When (UTC)</th>
                <th>What</th>
                <th>Which</th>
                <th class="num">Spans</th>
                <th class="num">Freed</th>
                <th>By</th>
              </tr>
            </thead>
            <tbody>
              {audit.map((entry) => (
                <tr>
                  <td>
                    <time safe>{formatTime(BigInt(entry.at) * NANO_PER_MS, 0).replace(' UTC', '')}</time>
                  </td>
                  <td>{entry.action}</td>
                  <td>
                    <code safe>{entry.detail}</code>
                  </td>
                  <td class="num" safe>
                    {formatCount(entry.spans)}
                  </td>
                  <td class="num">{entry.bytes > 0 ? formatBytes(entry.bytes) : '–'}</td>
                  <td safe>{entry.actor}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
