/**
 * Ingest by project, for /metrics, in Prometheus' text format. Not through the registry, since what it tells
 * depends on who asks: a token sees its own project.
 */
import type { CountName } from '../../store/ingest-health.ts';
import type { Senders } from './senders.ts';

interface Family {
  readonly name: string;
  readonly help: string;
  /** A sample each: the value of the label, '' for none, and what is counted. */
  readonly label: string;
  readonly samples: readonly (readonly [value: string, count: CountName])[];
}

const FAMILIES: readonly Family[] = [
  {
    name: 'spanlake_project_requests_total',
    help: 'Export requests of a project; duplicates were taken too',
    label: 'outcome',
    samples: [
      ['taken', 'requests'],
      ['duplicate', 'duplicateRequests'],
      ['refused', 'refusedRequests'],
    ],
  },
  {
    name: 'spanlake_project_spans_total',
    help: 'Spans of a project',
    label: 'outcome',
    samples: [
      ['accepted', 'acceptedSpans'],
      ['rejected', 'rejectedSpans'],
    ],
  },
  {
    name: 'spanlake_project_findings_total',
    help: 'What was noticed about the spans of a project',
    label: 'finding',
    samples: [
      ['dropped_attribute', 'droppedAttributes'],
      ['dropped_event', 'droppedEvents'],
      ['dropped_link', 'droppedLinks'],
      ['cut_value', 'cutValues'],
      ['span_without_service', 'spansWithoutService'],
      ['late_span', 'lateSpans'],
      ['future_span', 'futureSpans'],
      ['sampled_span', 'sampledSpans'],
      ['orphan_span', 'orphanSpans'],
    ],
  },
];

/** `projectId`: the only one that is told of; undefined for all. */
export function sendersMetrics(senders: Senders, projectId: string | undefined): string {
  const all = [...senders.projectTotals()].map(([id, windows]) => ({ id, total: windows.total() }));
  const shown = all.filter(({ id }) => id !== '' && (projectId === undefined || id === projectId));
  const lines: string[] = [];
  for (const { name, help, label, samples } of FAMILIES) {
    head(lines, name, help, 'counter');
    for (const { id, total } of shown) {
      for (const [value, count] of samples) {
        lines.push(`${name}{project="${id}",${label}="${value}"} ${total[count]}`);
      }
    }
  }
  const last = 'spanlake_project_last_request_timestamp_seconds';
  head(lines, last, 'When a project last got an export request', 'gauge');
  for (const { id } of shown) lines.push(`${last}{project="${id}"} ${senders.lastRequestMs(id) / 1000}`);
  const turnedAway = 'spanlake_turned_away_requests_total';
  head(
    lines,
    turnedAway,
    'Export requests refused before a project was known: no token or a wrong one',
    'counter',
  );
  lines.push(`${turnedAway} ${all.find(({ id }) => id === '')?.total.refusedRequests ?? 0}`);
  return `\n${lines.join('\n')}\n`;
}

function head(lines: string[], name: string, help: string, type: 'counter' | 'gauge'): void {
  lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
}
