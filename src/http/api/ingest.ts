/** The API's route about ingest: who sends to the project, and how that fares. */
import type { IngestReport, LastRequest, RefusalCount, SenderReport } from '../../store/ingest-health.ts';
import { HttpError } from '../errors.ts';
import { json } from './route.ts';
import type { ApiCall, ApiRoute } from './route.ts';

export const INGEST_ROUTES: readonly ApiRoute[] = [
  { method: 'GET', scope: 'read', path: '/ingest', params: [], answer: ingest },
];

async function ingest(call: ApiCall): Promise<Response> {
  if (call.ingest === undefined) throw new HttpError(404, 'not_found', 'only a server knows who sends to it');
  return json(reportJson(call.ingest()));
}

function reportJson({ projectId, senders, turnedAway }: IngestReport): object {
  return {
    projectId,
    senders: senders.map((sender) => ({ token: tokenJson(sender.token), ...senderJson(sender) })),
    ...(turnedAway === undefined ? {} : { turnedAway: senderJson(turnedAway) }),
  };
}

function tokenJson(token: SenderReport['token']): object | null {
  if (token === undefined) return null;
  const { id, name, createdMs, revokedMs } = token;
  return { id, name, createdAt: timeOf(createdMs), ...timed('revokedAt', revokedMs ?? 0) };
}

function senderJson(sender: SenderReport): object {
  const { state, lastRequest, sdks, refusals, fiveMinutes, hour, day, total, orphanShare } = sender;
  return {
    state,
    ...(lastRequest === undefined ? {} : { lastRequest: lastRequestJson(lastRequest) }),
    ...timed('lastTakenAt', sender.lastTakenMs),
    ...timed('lastRefusedAt', sender.lastRefusedMs),
    sdks: sdks.map(({ name, lastMs }) => ({ name, lastSeenAt: timeOf(lastMs) })),
    refusals: refusals.map(refusalJson),
    ...(orphanShare === undefined ? {} : { orphanShare }),
    last5Minutes: fiveMinutes,
    lastHour: hour,
    lastDay: day,
    total,
    ...timed('countedSince', sender.sinceMs),
  };
}

function lastRequestJson({ atMs, ...request }: LastRequest): object {
  return { at: timeOf(atMs), ...request };
}

function refusalJson({ lastMs, ...refusal }: RefusalCount): object {
  return { ...refusal, lastAt: timeOf(lastMs) };
}

function timeOf(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

/** Nothing for a time that never was. */
function timed(name: string, unixMs: number): Readonly<Record<string, string>> {
  return unixMs === 0 ? {} : { [name]: timeOf(unixMs) };
}
