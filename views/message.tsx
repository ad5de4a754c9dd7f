/** Pages that say one thing: an error, or "please sign in". */
import { Html } from '@elysiajs/html';
import { attr } from './format.ts';
import { Icon } from './icons.tsx';
import { Layout } from './layout.tsx';
import type { Shell } from './layout.tsx';

export interface ErrorPageProps {
  readonly shell: Shell;
  readonly status: number;
  readonly title: string;
  /** For people; never an inner message, path or stack. */
  readonly message: string;
}

export function ErrorPage({ shell, status, title, message }: ErrorPageProps): JSX.Element {
  return (
    <Layout shell={shell} title={title} current="">
      <div class="message-page">
        <p class="none num">{status}</p>
        <h1 safe>{title}</h1>
        <p safe>{message}</p>
        <p class="ways">
          <a class="button" href="/search">
            Search
          </a>
          <a href="/services">Services</a>
          <a href="/start">Send data</a>
        </p>
      </div>
    </Layout>
  );
}

export interface LoginPageProps {
  readonly shell: Shell;
  /** Where to go after signing in: a path of this server. */
  readonly next: string;
  readonly failed: boolean;
}

export function LoginPage({ shell, next, failed }: LoginPageProps): JSX.Element {
  return (
    <Layout shell={shell} title="Sign in" current="">
      <form class="message-page login" method="post" action="/login">
        <h1>Sign in</h1>
        <p>This server asks for a read token before it shows traces.</p>
        {failed ? (
          <p class="status-error" role="alert">
            <Icon name="error" />
            That is not a read token of this server. Ingest tokens cannot read.
          </p>
        ) : (
          ''
        )}
        <label for="token">Read token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          spellcheck="false"
          aria-describedby="token-help"
        />
        <input type="hidden" name="next" value={attr(next)} />
        <button class="button">Sign in</button>
        <p class="note" id="token-help">
          Make one on the server’s machine: <code>spanlake token create --project default --scope read</code>
        </p>
      </form>
    </Layout>
  );
}
