/** `/ingest`: does it arrive, from which SDK, what was refused or cut, why, and what to do about it. */
import { Html } from '@elysiajs/html';
import type { IngestReport, RefusalCount, SenderReport } from '../src/store/ingest-health.ts';
import { attr, formatBytes, formatCount, plural } from './format.ts';
import { Icon } from './icons.tsx';
import type { IconName } from './icons.tsx';
import {
  ago,
  isPressing,
  noticed,
  orphanText,
  reasonHint,
  timeText,
  verdictOf,
  wayText,
} from './ingest-words.ts';
import type { Noticed, Tone, Verdict } from './ingest-words.ts';
import { Layout } from './layout.tsx';
import type { Shell } from './layout.tsx';

export interface IngestProps {
  readonly shell: Shell;
  readonly now: bigint;
  readonly report: IngestReport;
  /** The id of the token whose details the address asks for; '' for none. */
  readonly chosen: string;
}

/** Up to so many senders are shown with all details at once; of more those that are refused something. */
const OPEN_AT_ONCE = 3;
/** The others are counted: a page of 1,000 cards would be 2 MB every few seconds. */
const SHOWN = 100;

const REFRESH_SECONDS = 5;

export function IngestPage(props: IngestProps): JSX.Element {
  return (
    <Layout shell={props.shell} title="Ingest" current="ingest" refreshSeconds={30}>
      <header class="page-head">
        <h1>Ingest</h1>
        <p class="note" safe>{`What arrives in project ${props.report.projectId}, by token`}</p>
      </header>
      <IngestList {...props} />
    </Layout>
  );
}

/** The part that is asked for again every few seconds; morphed, so that focus and selection stay. */
export function IngestList({ report, now, chosen }: Omit<IngestProps, 'shell'>): JSX.Element {
  const { senders, turnedAway } = report;
  const href = chosen === '' ? '/ingest' : `/ingest?token=${encodeURIComponent(chosen)}`;
  const first = senders.slice(0, SHOWN);
  const asked = senders.slice(SHOWN).filter(({ token }) => token?.id === chosen);
  const hidden = senders.length - first.length - asked.length;
  return (
    <div
      id="ingest"
      class="senders"
      hx-get={attr(href)}
      hx-trigger={`every ${REFRESH_SECONDS}s`}
      hx-swap="outerMorph"
    >
      {senders.length === 0 ? <Nothing /> : ''}
      {[...asked, ...first].map((sender, i) => (
        <SenderCard sender={sender} now={now} isOpen={isOpen(sender, i, senders.length, chosen)} />
      ))}
      {hidden > 0 ? (
        <p class="note">
          <span safe>{`${plural(hidden, 'more token')}, quieter ones. All are at `}</span>
          <a href="/api/v1/ingest">/api/v1/ingest</a>.
        </p>
      ) : (
        ''
      )}
      {turnedAway === undefined ? '' : <TurnedAway turnedAway={turnedAway} now={now} />}
    </div>
  );
}

function isOpen({ token, state }: SenderReport, index: number, count: number, chosen: string): boolean {
  if (token !== undefined && token.id === chosen) return true;
  if (count <= OPEN_AT_ONCE) return true;
  return chosen === '' && index < OPEN_AT_ONCE && state === 'refusing';
}

function Nothing(): JSX.Element {
  return (
    <div class="nothing">
      <p class="nothing-title">Nothing has arrived yet</p>
      <p>No request has come to this project.</p>
      <p class="ways">
        <a class="button" href="/start">
          How to send
        </a>
      </p>
    </div>
  );
}

interface SenderProps {
  readonly sender: SenderReport;
  readonly now: bigint;
  readonly isOpen: boolean;
}

function SenderCard({ sender, now, isOpen }: SenderProps): JSX.Element {
  const { token } = sender;
  const id = token?.id ?? 'open';
  const name = token === undefined ? 'Without a token' : token.name === '' ? 'Unnamed token' : token.name;
  return (
    <section
      class={`card sender${isOpen ? '' : ' is-closed'}`}
      id={attr(`sender-${id}`)}
      aria-labelledby={attr(`name-${id}`)}
    >
      <div class="sender-head">
        <h2 id={attr(`name-${id}`)} class="data" safe>
          {name}
        </h2>
        {token === undefined ? '' : <code safe>{token.id}</code>}
        {token?.revokedMs === undefined ? (
          ''
        ) : (
          <span class="badge" safe>{`revoked ${ago(token.revokedMs, now)}`}</span>
        )}
        {isOpen || token === undefined || sender.state === 'never' ? (
          ''
        ) : (
          <a
            href={attr(`/ingest?token=${encodeURIComponent(id)}#sender-${id}`)}
            aria-label={attr(`Details of ${name}`)}
          >
            Details
          </a>
        )}
      </div>
      <VerdictLine verdict={verdictOf(sender, now)} />
      {isOpen && sender.state !== 'never' ? <Details sender={sender} now={now} /> : ''}
    </section>
  );
}

const ICONS: Readonly<Record<Tone, IconName>> = { good: 'check', warn: 'info', error: 'error', none: 'info' };

function VerdictLine({ verdict }: { verdict: Verdict }): JSX.Element {
  return (
    <p class={`verdict is-${verdict.tone}`}>
      <Icon name={ICONS[verdict.tone]} />
      <span safe>{verdict.text}</span>
    </p>
  );
}

function Details({ sender, now }: { sender: SenderReport; now: bigint }): JSX.Element {
  const things = noticed(sender);
  return (
    <>
      <Source sender={sender} now={now} />
      <Figures sender={sender} />
      {things.length > 0 ? (
        <Things sender={sender} things={things} />
      ) : (
        <p class="none">Nothing was refused, dropped or cut.</p>
      )}
      {sender.refusals.length > 0 ? <Reasons refusals={sender.refusals} now={now} /> : ''}
    </>
  );
}

function Source({ sender, now }: { sender: SenderReport; now: bigint }): JSX.Element {
  const { lastRequest, sdks } = sender;
  return (
    <dl class="sender-source">
      {lastRequest === undefined ? (
        ''
      ) : (
        <div>
          <dt>Last request</dt>
          <dd>
            <time title={timeText(lastRequest.atMs)} safe>
              {ago(lastRequest.atMs, now)}
            </time>
            <span safe>{`, ${wayText(lastRequest)}`}</span>
            {lastRequest.userAgent === '' ? (
              ''
            ) : (
              <span class="data none" safe>{` ${lastRequest.userAgent}`}</span>
            )}
          </dd>
        </div>
      )}
      {sdks.length === 0 ? (
        ''
      ) : (
        <div>
          <dt>SDKs</dt>
          <dd>
            <ul>
              {sdks.map(({ name, lastMs }) => (
                <li>
                  <span class="data" safe>
                    {name}
                  </span>{' '}
                  <span class="none" safe>
                    {ago(lastMs, now)}
                  </span>
                </li>
              ))}
            </ul>
          </dd>
        </div>
      )}
    </dl>
  );
}

const FIGURES = [
  ['acceptedSpans', 'Spans taken', formatCount],
  ['requests', 'Requests taken', formatCount],
  ['bytes', 'Received', formatBytes],
] as const;

function Figures({ sender }: { sender: SenderReport }): JSX.Element {
  const { fiveMinutes, hour, day, total, sinceMs } = sender;
  const since = `Since ${timeText(sinceMs).slice(0, 10)}`;
  return (
    <table class="list sender-table">
      <thead>
        <tr>
          <th>What came</th>
          <th class="num">5 minutes</th>
          <th class="num">Hour</th>
          <th class="num">24 hours</th>
          <th class="num" title={attr(timeText(sinceMs))} safe>
            {since}
          </th>
        </tr>
      </thead>
      <tbody>
        {FIGURES.map(([count, label, format]) => (
          <tr>
            <td class="col-main">{label}</td>
            <Num label="5 minutes" value={format(fiveMinutes[count])} />
            <Num label="hour" value={format(hour[count])} />
            <Num label="24 hours" value={format(day[count])} />
            <Num label="all" value={format(total[count])} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Num({ label, value }: { label: string; value: string }): JSX.Element {
  return (
    <td class="num" data-label={attr(label)} safe>
      {value}
    </td>
  );
}

function Things({ sender, things }: { sender: SenderReport; things: readonly Noticed[] }): JSX.Element {
  const orphans = orphanText(sender);
  return (
    <table class="list sender-table">
      <thead>
        <tr>
          <th>To look at</th>
          <th class="num">Hour</th>
          <th class="num">24 hours</th>
          <th class="num">In all</th>
        </tr>
      </thead>
      <tbody>
        {things.map(({ count, label, hint, hour, day, total }) => (
          <tr class={isPressing({ count, hour }, sender.hour) ? 'is-now' : undefined}>
            <td class="col-main">
              <span class="thing">
                {isPressing({ count, hour }, sender.hour) ? <Icon name="info" /> : ''}
                <span safe>{label}</span>
              </span>
              <p class="note" safe>
                {count === 'orphanSpans' && orphans !== '' ? `${orphans}. ${hint}` : hint}
              </p>
            </td>
            <Num label="hour" value={formatCount(hour)} />
            <Num label="24 hours" value={formatCount(day)} />
            <Num label="all" value={formatCount(total)} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Reasons({ refusals, now }: { refusals: readonly RefusalCount[]; now: bigint }): JSX.Element {
  return (
    <table class="list sender-table">
      <thead>
        <tr>
          <th>Why, latest first</th>
          <th class="num">Refused</th>
          <th class="num">Last</th>
        </tr>
      </thead>
      <tbody>
        {refusals.map(({ reason, unit, count, lastMs }) => (
          <tr>
            <td class="col-main">
              <span class="data" safe>
                {reason}
              </span>
              <p class="note" safe>
                {reasonHint(reason)}
              </p>
            </td>
            <Num label="refused" value={plural(count, unit.slice(0, -1))} />
            <Num label="last" value={ago(lastMs, now)} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function TurnedAway({ turnedAway, now }: { turnedAway: SenderReport; now: bigint }): JSX.Element {
  const { hour, day, lastRequest, refusals } = turnedAway;
  const recent = hour.refusedRequests > 0;
  const text = recent
    ? `${plural(hour.refusedRequests, 'request')} turned away in the last hour`
    : `${plural(day.refusedRequests, 'request')} turned away in the last 24 hours`;
  return (
    <section class="card sender" aria-labelledby="turned-away">
      <div class="sender-head">
        <h2 id="turned-away">Before a token was known</h2>
      </div>
      <VerdictLine verdict={{ tone: recent ? 'warn' : 'none', text }} />
      <p class="none">
        Requests to any project of this server, refused before it was known whose they are: without a token,
        with an unknown or revoked one, or to the wrong port.
      </p>
      {lastRequest === undefined ? '' : <Source sender={turnedAway} now={now} />}
      <Reasons refusals={refusals} now={now} />
    </section>
  );
}
