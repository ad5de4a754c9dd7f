/** First start: how to send spans to this server, and waiting for the first one. */
import { Html } from '@elysiajs/html';
import { attr } from './format.ts';
import { Icon } from './icons.tsx';
import { CopyButton, Layout } from './layout.tsx';
import type { Shell } from './layout.tsx';
import { FullTime, LinkChoice, ServiceName, SpanName } from './shared/parts.tsx';
import { environment, snippets } from './snippets.ts';
import type { SnippetTarget } from './snippets.ts';

/** The newest span, once there is one. */
export interface FirstSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly serviceName: string;
  readonly name: string;
}

export interface StartProps {
  readonly shell: Shell;
  readonly target: SnippetTarget;
  /** The snippet's id that the address asks for. */
  readonly language: string;
  readonly first: FirstSpan | undefined;
  readonly refused: readonly { readonly timeUnixNano: bigint; readonly reason: string }[];
  /** May start the sample traffic. */
  readonly mayWrite: boolean;
  readonly mayTest: boolean;
  /** May make an ingest token here. */
  readonly mayMakeToken: boolean;
  readonly projectId: string;
  /** What was just started with a button: a trace, the demo, or nothing. */
  readonly sent: 'test' | 'demo' | '';
}

export function StartPage(props: StartProps): JSX.Element {
  const { target, first } = props;
  const waiting = first === undefined;
  return (
    <Layout shell={props.shell} title="Send data" current="start" refreshSeconds={waiting ? 5 : undefined}>
      <div class="start">
        <header class="start-head">
          <h1>{waiting ? 'Send your first span' : 'Send spans here'}</h1>
          <p class="lead">
            Spanlake takes OpenTelemetry spans over OTLP: point any SDK or Collector at this address. Nothing
            else to install.
          </p>
        </header>
        <Waiting first={first} refused={props.refused} sent={props.sent} />
        <section class="card" aria-labelledby="variables">
          <h2 id="variables">The variables that every SDK reads</h2>
          <Code code={environment(target)} label="the variables" />
          {target.tokenRequired ? <TokenNeeded {...props} /> : ''}
        </section>
        <Setup target={target} language={props.language} />
        {props.mayTest ? <TryIt mayWrite={props.mayWrite} /> : ''}
      </div>
    </Layout>
  );
}

/** Where the server takes spans only with a token: how to have one. */
function TokenNeeded({ target, mayMakeToken, projectId }: StartProps): JSX.Element {
  if (target.token !== undefined) {
    return (
      <p class="notice" role="status">
        <Icon name="key" />
        <span>The token is made and filled in. It is shown only now: copy the variables.</span>
      </p>
    );
  }
  return (
    <>
      <p>This server takes spans only with an ingest token.</p>
      {mayMakeToken ? (
        <form method="post" action="/start/token">
          <button class="button is-quiet">
            <Icon name="key" />
            Make one and fill it in
          </button>
        </form>
      ) : (
        <p class="note">
          Ask for one, or make it on the server’s machine:{' '}
          <code safe>{`spanlake token create --project ${projectId} --scope ingest`}</code>
        </p>
      )}
    </>
  );
}

export interface WaitingProps {
  readonly first: FirstSpan | undefined;
  readonly refused: StartProps['refused'];
  readonly sent: StartProps['sent'];
}

/** Asks again every two seconds until a span is there; then it is a link and asks no more. */
export function Waiting({ first, refused, sent }: WaitingProps): JSX.Element {
  if (first) return <Arrived first={first} refused={refused} />;
  return (
    <div
      id="waiting"
      class="waiting"
      role="status"
      hx-get={sent === '' ? '/start' : `/start?sent=${sent}`}
      hx-trigger="every 2s"
      hx-swap="outerHTML"
    >
      <span class="pulse" aria-hidden="true"></span>
      <span>{sent === '' ? 'Waiting for the first span' : 'Sent. Waiting for it to arrive'}</span>
      {refused.length > 0 ? <Refused refused={refused} /> : ''}
    </div>
  );
}

function Arrived({ first, refused }: { first: FirstSpan; refused: StartProps['refused'] }): JSX.Element {
  return (
    <div id="waiting" class="waiting has-arrived" role="status">
      <Icon name="check" />
      <span>Spans are arriving. The newest:</span>
      <a href={attr(`/traces/${first.traceId}?span=${first.spanId}`)}>
        <ServiceName name={first.serviceName} /> <SpanName name={first.name} />
      </a>
      <a class="button" href="/search">
        Search all traces
      </a>
      {refused.length > 0 ? <Refused refused={refused} /> : ''}
    </div>
  );
}

function Refused({ refused }: { refused: StartProps['refused'] }): JSX.Element {
  return (
    <ul class="refused">
      {refused.slice(0, 5).map(({ timeUnixNano, reason }) => (
        <li>
          <Icon name="error" />
          <span>
            Refused <FullTime unixNano={timeUnixNano} digits={0} />:{' '}
            <bdi class="data" safe>
              {reason}
            </bdi>
          </span>
        </li>
      ))}
      <li>
        <a href="/ingest">What arrives, and why some is refused</a>
      </li>
    </ul>
  );
}

/** The steps of one language; the tabs are links, so that they work without JavaScript and have an address. */
export function Setup({ target, language }: { target: SnippetTarget; language: string }): JSX.Element {
  const all = snippets(target);
  const chosen = all.find((snippet) => snippet.id === language) ?? all[0];
  return (
    <section
      id="setup"
      class="card"
      aria-labelledby="language"
      hx-boost:inherited="true"
      hx-target:inherited="#setup"
      hx-select:inherited="#setup"
      hx-swap:inherited="outerHTML show:none"
    >
      <h2 id="language">In your language</h2>
      <LinkChoice
        label="Language"
        choices={all.map(({ id, name }) => ({
          text: name,
          href: `/start?lang=${id}`,
          current: id === chosen.id,
        }))}
      />
      <ol class="steps">
        {chosen.steps.map(({ title, code }) => (
          <li>
            <h3 safe>{title}</h3>
            <Code code={code} label={title} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Code({ code, label }: { code: string; label: string }): JSX.Element {
  return (
    <div class="code">
      <pre tabindex="0" role="region" aria-label={attr(label)}>
        <code safe>{code}</code>
      </pre>
      <CopyButton text={code} label={`Copy ${label}`} />
    </div>
  );
}

function TryIt({ mayWrite }: { mayWrite: boolean }): JSX.Element {
  return (
    <section class="card try" aria-labelledby="try">
      <h2 id="try">Or look around first</h2>
      <div class="try-buttons">
        <form method="post" action="/start/test-trace">
          <button class="button">Send a test trace</button>
          <p class="note">One small trace of three spans, from this server to itself.</p>
        </form>
        {mayWrite ? (
          <form method="post" action="/demo">
            <button class="button">Load sample traffic</button>
            <p class="note">A shop of several services, with errors, slow calls, a queue and gen-AI calls.</p>
          </form>
        ) : (
          <div>
            <p>
              <code>spanlake demo --token TOKEN</code>
            </p>
            <p class="note">Sends the sample traffic of a shop, with an ingest token.</p>
          </div>
        )}
        <div>
          <a class="button is-quiet" href="/import">
            Import traces
          </a>
          <p class="note">OTLP JSON from a file: of another Spanlake, a Collector, or Tempo.</p>
        </div>
      </div>
    </section>
  );
}
