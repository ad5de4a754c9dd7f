/** A part of the search page with an address of its own, asked for when the search itself has answered. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import { attr } from '../format.ts';

export interface LaterProps {
  readonly id: string;
  /** Answers the part to htmx, and a page with it to a browser without scripts. */
  readonly href: string;
  /** While it is on its way. */
  readonly wait: string;
  /** The link, where scripts are off. */
  readonly link: string;
  /** Until then, in place of the words. */
  readonly children?: Children;
}

/**
 * What it shows stays, dimmed, until the next has come, and when the same search is asked for again. The address
 * alone decides: htmx asks anew when it changed.
 */
export function Later({ id, href, wait, link, children }: LaterProps): JSX.Element {
  return (
    <div
      id={id}
      class="later"
      hx-get={attr(href)}
      hx-trigger="load"
      hx-target="this"
      hx-swap="innerHTML"
      hx-indicator="this"
      hx-morph-skip-children="true"
    >
      {children}
      <p class="note needs-script" safe>
        {wait}
      </p>
      <noscript>
        <a href={attr(href)} safe>
          {link}
        </a>
      </noscript>
    </div>
  );
}
