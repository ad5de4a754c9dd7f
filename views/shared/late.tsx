/** A part of a page that takes longer than the page itself: it comes with a request of its own. */
import { Html } from '@elysiajs/html';
import { attr } from '../format.ts';

export interface LateProps {
  readonly id: string;
  /** What is on its way: "charts". */
  readonly what: string;
  /** The page's own address; `part` in it names what is asked for. */
  readonly href: string;
  readonly part: string;
  /** Id of what the answer takes the place of, if that is more than this. */
  readonly target?: string;
}

/** Takes the part's place until it is there. */
export function Late({ id, what, href, part, target }: LateProps): JSX.Element {
  return (
    <div
      id={id}
      class="late"
      hx-get={attr(partHref(href, part))}
      hx-trigger="load"
      hx-target={`#${target ?? id}`}
      hx-swap="outerHTML"
      aria-busy="true"
    >
      <p class="late-words needs-script" safe>
        {`Loading ${what} …`}
      </p>
      <noscript>
        <p>
          <a href={attr(partHref(href, 'all'))} safe>
            {`Load ${what}`}
          </a>
        </p>
      </noscript>
    </div>
  );
}

/** With `part=all` a page waits for all that it shows. */
export function partHref(href: string, part: string): string {
  return `${href}${href.includes('?') ? '&' : '?'}part=${part}`;
}
