/** Which traces are pinned, and what was done: the audit. */
import { Html } from '@elysiajs/html';
import * as time from '../../src/span/time.ts';
import type { AuditEntry, PinnedTrace } from '../../src/store/store-upkeep.ts';
import { formatBytes, formatCount, formatTime } from '../format.ts';
import { Ago, Zone } from '../shared/parts.tsx';

export interface PinsProps {
  readonly pins: readonly PinnedTrace[];
  readonly now: bigint;
  readonly mayChange: boolean;
}

const NANO_PER_MS = 1_000_000n;

function stamp(atMs: number): string {
  return time.formatTime(BigInt(atMs) * NANO_PER_MS);
}

export function Pins({ pins, now, mayChange }: PinsProps): JSX.Element {
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
                <th scope="col">Trace</th>
                <th scope="col">Note</th>
                <th scope="col">Pinned</th>
                <th scope="col">
                  <span class="hidden-visually">Action</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {pins.map(({ traceId, note, pinnedAt }) => (
                <tr>
                  <td class="col-main">
                    <a href={`/traces/${traceId}`}>
                      <code safe>{traceId}</code>
                    </a>
                  </td>
                  <td class="data" safe>
                    {note}
                  </td>
                  <td data-label="pinned">
                    <Ago unixNano={BigInt(pinnedAt) * NANO_PER_MS} now={now} />
                  </td>
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

export function Audit({ audit }: { audit: readonly AuditEntry[] }): JSX.Element {
  return (
    <section class="card" aria-labelledby="audit">
      <h2 id="audit">Audit</h2>
      <p class="none">What was removed, pinned or repaired, and who may come in.</p>
      {audit.length === 0 ? (
        <p class="none">Nothing yet.</p>
      ) : (
        <div class="scroll">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">
                  When (<Zone />)
                </th>
                <th scope="col">What</th>
                <th scope="col">Which</th>
                <th scope="col" class="num">
                  Spans
                </th>
                <th scope="col" class="num">
                  Freed
                </th>
                <th scope="col">By</th>
              </tr>
            </thead>
            <tbody>
              {audit.map((entry) => (
                <tr>
                  <td class="col-main">
                    <time datetime={stamp(entry.at)} safe>
                      {formatTime(BigInt(entry.at) * NANO_PER_MS, 0).replace(' UTC', '')}
                    </time>
                  </td>
                  <td>{entry.action}</td>
                  <td>
                    <code safe>{entry.detail}</code>
                  </td>
                  <td class="num" data-label="spans">
                    {entry.spans > 0 ? formatCount(entry.spans) : '–'}
                  </td>
                  <td class="num" data-label="freed">
                    {entry.bytes > 0 ? formatBytes(entry.bytes) : '–'}
                  </td>
                  <td data-label="by" safe>
                    {entry.actor}
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
