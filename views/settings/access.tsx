/** Who may come in: the project's tokens, and new projects. Secrets are shown once, in the answer that makes them. */
import { Html } from '@elysiajs/html';
import type { NewToken, Token, TokenScope } from '../../src/store/projects.ts';
import { attr, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { CopyButton } from '../layout.tsx';
import { TokenTable } from './token-table.tsx';

export interface AccessState {
  /** No token exists: whoever reaches the port may do everything. */
  readonly isOpen: boolean;
  /** Of the project, oldest first; empty for who may not see them. */
  readonly tokens: readonly Token[];
  /** Of the person who looks; ''. */
  readonly ownTokenId: string;
  /** Made just now. */
  readonly made: NewToken | undefined;
  readonly problem: string;
}

export interface AccessProps {
  readonly access: AccessState;
  readonly projectId: string;
  readonly mayChange: boolean;
  readonly whyNot: string;
  readonly now: bigint;
}

const SCOPES: readonly { readonly scope: TokenScope; readonly text: string }[] = [
  { scope: 'ingest', text: 'ingest: sends spans' },
  { scope: 'read', text: 'read: looks at them' },
  { scope: 'admin', text: 'admin: reads, and changes settings' },
];

export function Access(props: AccessProps): JSX.Element {
  const { access, mayChange, whyNot } = props;
  return (
    <section class="card" aria-labelledby="access">
      <div class="card-head">
        <h2 id="access">Access</h2>
        {access.isOpen ? (
          <span class="badge">Open: no tokens</span>
        ) : (
          <a href="/ingest">How each token’s spans arrive</a>
        )}
      </div>
      {access.problem === '' ? (
        ''
      ) : (
        <p class="status-error" role="alert">
          <Icon name="error" />
          <span safe>{access.problem}</span>
        </p>
      )}
      {access.made ? <Made token={access.made} projectId={props.projectId} /> : ''}
      <Body {...props} />
      {mayChange ? (
        ''
      ) : (
        <p class="note" safe>
          {whyNot}
        </p>
      )}
    </section>
  );
}

function Body(props: AccessProps): JSX.Element {
  if (props.access.isOpen) return <Open {...props} />;
  if (!props.mayChange) return <p class="none">Only an admin token shows the tokens.</p>;
  return (
    <>
      <TokenTable
        tokens={props.access.tokens.filter(({ revokedAt }) => revokedAt === undefined)}
        ownTokenId={props.access.ownTokenId}
        now={props.now}
      />
      <Revoked {...props} />
      <NewTokenForm />
      <NewProjectForm />
    </>
  );
}

/** Before the first token. */
function Open({ mayChange }: AccessProps): JSX.Element {
  return (
    <>
      <p>
        This server has no tokens: whoever reaches its port may send, read and change everything, all in one
        project.
      </p>
      {mayChange ? (
        <form method="post" action="/settings/tokens" class="form">
          <p class="notice">
            <Icon name="info" />
            <span>
              The first token closes the server: from then on every sender and every browser needs one. It is
              an admin token; this browser is signed in with it, and you make the others here.
            </span>
          </p>
          <div class="fields">
            <div class="field">
              <label for="token-name">Name</label>
              <input id="token-name" name="name" type="text" maxlength="100" placeholder="who has it" />
            </div>
            <input type="hidden" name="scope" value="admin" />
            <button class="button">Make the first token</button>
          </div>
        </form>
      ) : (
        ''
      )}
    </>
  );
}

function Made({ token, projectId }: { token: NewToken; projectId: string }): JSX.Element {
  const other = token.projectId === projectId ? '' : ` of the project ${token.projectId}`;
  return (
    <div class="made" role="status">
      <p>
        <Icon name="key" />
        <strong safe>{`The ${token.scope} token${other}. It is shown only now: copy it.`}</strong>
      </p>
      <div class="code">
        <pre tabindex="0" role="region" aria-label="The new token">
          <code id="new-token" safe>
            {token.token}
          </code>
        </pre>
        <CopyButton text={token.token} label="Copy the token" />
      </div>
      {token.scope === 'ingest' ? (
        <p class="note">
          <span safe>{`OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer ${token.token}"`}</span>
        </p>
      ) : (
        ''
      )}
    </div>
  );
}

function Revoked({ access, now }: AccessProps): JSX.Element {
  const revoked = access.tokens.filter(({ revokedAt }) => revokedAt !== undefined);
  if (revoked.length === 0) return <></>;
  return (
    <details>
      <summary safe>{plural(revoked.length, 'revoked token')}</summary>
      <TokenTable tokens={revoked} ownTokenId="" now={now} />
    </details>
  );
}

function NewTokenForm(): JSX.Element {
  return (
    <form method="post" action="/settings/tokens" class="form" aria-labelledby="new-token-title">
      <h3 id="new-token-title">New token</h3>
      <div class="fields">
        <div class="field">
          <label for="token-name">Name</label>
          <input id="token-name" name="name" type="text" maxlength="100" placeholder="who has it" />
        </div>
        <div class="field">
          <label for="token-scope">May</label>
          <select id="token-scope" name="scope">
            {SCOPES.map(({ scope, text }) => (
              <option value={attr(scope)} safe>
                {text}
              </option>
            ))}
          </select>
        </div>
        <button class="button">Make token</button>
      </div>
    </form>
  );
}

function NewProjectForm(): JSX.Element {
  return (
    <form method="post" action="/settings/projects" class="form" aria-labelledby="new-project-title">
      <h3 id="new-project-title">New project</h3>
      <p class="none">
        Spans of a project are seen by its own tokens alone. With the project an admin token of it is made:
        sign in with that to see it.
      </p>
      <div class="fields">
        <div class="field">
          <label for="project-name">Name</label>
          <input
            id="project-name"
            name="name"
            type="text"
            required
            maxlength="63"
            pattern="[a-z0-9][a-z0-9_\-]*"
            spellcheck="false"
            autocapitalize="none"
            aria-describedby="project-help"
          />
        </div>
        <button class="button is-quiet">Make project</button>
      </div>
      <p class="note" id="project-help">
        a-z, 0-9, - and _, beginning with a letter or digit
      </p>
    </form>
  );
}
