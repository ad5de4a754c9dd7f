/** The frame of every page: head, header with navigation, main, footer with the keys. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import { attr } from './format.ts';
import { Icon, Mark } from './icons.tsx';

/** What the frame needs to know besides the page's own content. */
export interface Shell {
  /** Addresses of the embedded files, with the hash of their content. */
  readonly assets: {
    readonly css: string;
    readonly htmx: string;
    readonly app: string;
    readonly icon: string;
  };
  /** What the person chose; '' follows the system. */
  readonly theme: 'light' | 'dark' | '';
  readonly signedIn: boolean;
}

export type NavItem = 'search' | 'services' | 'start' | 'ingest' | 'settings' | '';

export interface LayoutProps {
  readonly shell: Shell;
  readonly title: string;
  readonly current: NavItem;
  /** Seconds after which a browser without JavaScript loads the page again. */
  readonly refreshSeconds?: number;
  readonly children?: Children;
}

const NAV: readonly { readonly item: NavItem; readonly href: string; readonly label: string }[] = [
  { item: 'search', href: '/search', label: 'Search' },
  { item: 'services', href: '/services', label: 'Services' },
  { item: 'start', href: '/start', label: 'Send data' },
  { item: 'ingest', href: '/ingest', label: 'Ingest' },
  { item: 'settings', href: '/settings', label: 'Settings' },
];

/** No CSP-breaking inline anything: `hx-on` and `js:` are not used, so htmx needs no eval either. */
const HTMX_CONFIG = 'defaultSwap:outerHTML, defaultTimeout:30000';

export function Layout(props: LayoutProps): JSX.Element {
  const { shell, title } = props;
  return (
    <html lang="en" data-theme={shell.theme === '' ? undefined : shell.theme}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content={HTMX_CONFIG} />
        <title safe>{`${title} · Spanlake`}</title>
        <link rel="icon" href={shell.assets.icon} type="image/svg+xml" />
        <link rel="stylesheet" href={shell.assets.css} />
        <script src={shell.assets.htmx} defer></script>
        <script src={shell.assets.app} type="module"></script>
        {props.refreshSeconds ? (
          <noscript>
            <meta http-equiv="refresh" content={String(props.refreshSeconds)} />
          </noscript>
        ) : (
          ''
        )}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <Header shell={shell} current={props.current} />
        <main id="main" tabindex="-1">
          {props.children}
        </main>
        <Keys />
        <div id="announce" class="hidden-visually" role="status" aria-live="polite"></div>
      </body>
    </html>
  );
}

function Header({ shell, current }: { shell: Shell; current: NavItem }): JSX.Element {
  return (
    <header class="top">
      <a class="brand" href="/" aria-label="Spanlake, start">
        <Mark />
        <span class="brand-name">Spanlake</span>
      </a>
      <nav aria-label="Pages">
        {NAV.map(({ item, href, label }) => (
          <a href={href} aria-current={item === current ? 'page' : undefined} safe>
            {label}
          </a>
        ))}
      </nav>
      <div class="top-tools">
        <span class="zone" title="All times on these pages are in UTC">
          UTC
        </span>
        <button
          type="button"
          class="quiet"
          popovertarget="keys"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
        >
          <kbd>?</kbd>
        </button>
        <button
          type="button"
          class="quiet needs-script"
          data-action="theme"
          aria-label="Switch between light and dark"
          title="Switch between light and dark"
        >
          <Icon name="theme" />
        </button>
        {shell.signedIn ? (
          <form method="post" action="/logout">
            <button class="quiet">Sign out</button>
          </form>
        ) : (
          ''
        )}
      </div>
    </header>
  );
}

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'Go to the search bar'],
  ['?', 'Show these keys'],
  ['↑ ↓', 'Previous or next span'],
  ['← →', 'Collapse or expand; to the parent or first child'],
  ['Enter', 'Open the span'],
  ['Home End', 'First or last row'],
  ['Esc', 'Close'],
];

function Keys(): JSX.Element {
  return (
    <div id="keys" class="keys" popover="auto" role="dialog" aria-label="Keyboard shortcuts">
      <h2>Keyboard</h2>
      <dl>
        {KEYS.map(([key, meaning]) => (
          <div>
            <dt>
              <kbd safe>{key}</kbd>
            </dt>
            <dd safe>{meaning}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** Copies `text` when clicked; not shown where scripts are off. */
export function CopyButton({ text, label }: { text: string; label: string }): JSX.Element {
  return (
    <button
      type="button"
      class="quiet copy needs-script"
      data-copy={attr(text)}
      aria-label={attr(label)}
      title={attr(label)}
    >
      <Icon name="copy" />
    </button>
  );
}
