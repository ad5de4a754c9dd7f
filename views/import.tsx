/** `/import`: a form for OTLP JSON, and what became of it. */
import { Html } from '@elysiajs/html';
import { formatBytes, plural } from './format.ts';
import { Icon } from './icons.tsx';
import { Layout } from './layout.tsx';
import type { Shell } from './layout.tsx';
import { ServiceName, SpanName } from './shared/parts.tsx';

export interface ImportedTrace {
  readonly traceId: string;
  readonly serviceName: string;
  readonly name: string;
  readonly spanCount: number;
}

export interface ImportOutcome {
  /** '' when something was taken. */
  readonly problem: string;
  readonly accepted: number;
  /** What the receiver says of spans that it took or left out. */
  readonly note: string;
  readonly traces: readonly ImportedTrace[];
}

export interface ImportProps {
  readonly shell: Shell;
  /** False where nobody may write. */
  readonly isOpen: boolean;
  readonly tokenRequired: boolean;
  readonly limitBytes: number;
  readonly outcome: ImportOutcome | undefined;
}

export function ImportPage({ shell, isOpen, tokenRequired, limitBytes, outcome }: ImportProps): JSX.Element {
  return (
    <Layout shell={shell} title="Import traces" current="search">
      <div class="import-page">
        <h1>Import traces</h1>
        <p>
          OTLP JSON: what “OTLP JSON” on a trace’s page downloads, what the Collector’s file exporter writes,
          or Tempo’s answer for a trace. It is stored like spans that were sent; a span that is here already
          is not kept twice.
        </p>
        {outcome ? <Outcome outcome={outcome} /> : ''}
        {isOpen ? (
          <form method="post" action="/import" enctype="multipart/form-data">
            <label for="import-file">File</label>
            <input
              id="import-file"
              name="file"
              type="file"
              accept=".json,.jsonl,.gz,application/json"
              aria-describedby="import-help"
            />
            <p class="note" id="import-help" safe>
              {`Up to ${formatBytes(limitBytes)}; gzip is unpacked.`}
            </p>
            <label for="import-text">Or paste it</label>
            <textarea id="import-text" name="text" rows="6" spellcheck="false"></textarea>
            {tokenRequired ? (
              <>
                <label for="import-token">Ingest token</label>
                <input id="import-token" name="token" type="password" autocomplete="off" required />
              </>
            ) : (
              ''
            )}
            <p class="ways">
              <button class="button">Import</button>
            </p>
          </form>
        ) : (
          <p class="notice">
            <Icon name="info" />
            <span>This server takes no spans: its folder is only looked at.</span>
          </p>
        )}
      </div>
    </Layout>
  );
}

function Outcome({ outcome }: { outcome: ImportOutcome }): JSX.Element {
  const { problem, accepted, note, traces } = outcome;
  if (problem !== '') {
    return (
      <p class="status-error" role="alert">
        <Icon name="error" />
        <span safe>{problem}</span>
      </p>
    );
  }
  return (
    <section class="imported" role="status" aria-label="Imported">
      <p>
        <Icon name="check" /> <span safe>{`${plural(accepted, 'span')} taken.`}</span>{' '}
        <span safe>{note}</span>
      </p>
      <ul>
        {traces.map(({ traceId, serviceName, name, spanCount }) => (
          <li>
            <a href={`/traces/${traceId}`}>
              <ServiceName name={serviceName} /> <SpanName name={name} />
            </a>{' '}
            <span class="none num" safe>
              {plural(spanCount, 'span')}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
