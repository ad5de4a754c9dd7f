/** How the store fares: files, log, disk, what is damaged. */
import { Html } from '@elysiajs/html';
import type { ProjectUsage, StoreHealth } from '../../src/store/store-upkeep.ts';
import { attr, formatAgo, formatBytes, formatCount, formatDate, formatDuration, plural } from '../format.ts';
import { Icon } from '../icons.tsx';

export interface StorageProps {
  readonly health: StoreHealth;
  readonly usage: ProjectUsage;
  readonly now: bigint;
}

const NANO_PER_MS = 1_000_000n;

export function Storage({ health, usage, now }: StorageProps): JSX.Element {
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
