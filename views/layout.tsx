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
  /** Shown where the server has several. */
  readonly project?: string;
  /** The sheet that gives this project's services their colours. */
  readonly serviceColours?: string;
}

export type NavItem = 'search' | 'services' | 'map' | 'errors' | 'ai' | 'start' | 'ingest' | 'settings' | '';

export interface LayoutProps {
  readonly shell: Shell;
  readonly title: string;
  readonly current: NavItem;
  /** Seconds after which a browser without JavaScript loads the page again. */
  readonly refreshSeconds?: number;
  readonly children?: Children;
}

interface NavLink {
  readonly item: NavItem;
  readonly href: string;
  readonly label: string;
  /** After `g`, goes there. */
  readonly key?: string;
}

const LOOK: readonly NavLink[] = [
  { item: 'search', href: '/search', label: 'Search', key: 's' },
  { item: 'services', href: '/services', label: 'Services', key: 'v' },
  { item: 'map', href: '/map', label: 'Map', key: 'm' },
  { item: 'errors', href: '/errors', label: 'Errors', key: 'e' },
  { item: 'ai', href: '/ai', label: 'AI', key: 'a' },
];

const RUN: readonly NavLink[] = [
  { item: 'start', href: '/start', label: 'Send data' },
  { item: 'ingest', href: '/ingest', label: 'Ingest', key: 'i' },
  { item: 'settings', href: '/settings', label: 'Settings', key: ',' },
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
        {shell.serviceColours ? <link rel="stylesheet" href={attr(shell.serviceColours)} /> : ''}
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
        <div class="progress" aria-hidden="true"></div>
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
      <button type="button" class="quiet menu-button" popovertarget="menu">
        <Icon name="menu" />
        Menu
      </button>
      <nav id="menu" class="pages" popover="auto" aria-label="Pages">
        {LOOK.map((link) => (
          <PageLink link={link} current={current} />
        ))}
        {RUN.map((link, i) => (
          <PageLink link={link} current={current} isApart={i === 0} />
        ))}
      </nav>
      <div class="top-tools">
        {shell.project ? (
          <span class="badge project" title={attr(`Project ${shell.project}`)} safe>
            {shell.project}
          </span>
        ) : (
          ''
        )}
        <span class="zone" title="All times on these pages are in UTC">
          UTC
        </span>
        <button
          type="button"
          class="quiet zone needs-script"
          data-action="zone"
          title="Times are in UTC; switch to this browser’s zone"
        >
          UTC
        </button>
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

function PageLink(props: { link: NavLink; current: NavItem; isApart?: boolean }): JSX.Element {
  const { item, href, label, key } = props.link;
  return (
    <a
      href={href}
      class={props.isApart ? 'is-apart' : undefined}
      aria-current={item === props.current ? 'page' : undefined}
      data-go={key}
      safe
    >
      {label}
    </a>
  );
}

/** By place, the whole list: what `?` shows. */
const KEYS: readonly { readonly place: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    place: 'Everywhere',
    keys: [
      ['/', 'Go to the search bar'],
      ['g s', 'Search'],
      ['g v', 'Services'],
      ['g m', 'Map'],
      ['g e', 'Errors'],
      ['g a', 'AI'],
      ['g i', 'Ingest'],
      ['g ,', 'Settings'],
      ['z', 'Times in UTC or in this browser’s zone'],
      ['?', 'Show these keys'],
      ['Esc', 'Close'],
    ],
  },
  {
    place: 'In a trace',
    keys: [
      ['↑ ↓', 'Previous or next span'],
      ['← →', 'Collapse or expand; to the parent or first child'],
      ['Enter', 'Open the span'],
      ['Home End', 'First or last row'],
      ['f', 'Find in the trace'],
      ['n N', 'Next or previous match'],
      ['] [', 'Next or previous error'],
      ['x', 'Zoom to the span'],
      ['+ − 0', 'Zoom in, out, to the whole trace'],
    ],
  },
];

function Keys(): JSX.Element {
  return (
    <div id="keys" class="keys" popover="auto" role="dialog" aria-labelledby="keys-title">
      <div class="keys-head">
        <h2 id="keys-title">Keyboard</h2>
        <button
          type="button"
          class="quiet"
          popovertarget="keys"
          popovertargetaction="hide"
          aria-label="Close"
        >
          <Icon name="close" />
        </button>
      </div>
      <div class="keys-groups">
        {KEYS.map(({ place, keys }) => (
          <section>
            <h3 safe>{place}</h3>
            <dl>
              {keys.map(([key, meaning]) => (
                <div>
                  <dt>
                    {key.split(' ').map((one) => (
                      <kbd safe>{one}</kbd>
                    ))}
                  </dt>
                  <dd safe>{meaning}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
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
