/** One end of a call by name, with what it is where it is no service. */
import { Html } from '@elysiajs/html';
import { attr } from '../format.ts';
import { ServiceName } from '../shared/parts.tsx';
import { END_WORDS } from './calls.ts';
import type { End } from './calls.ts';

/** `href`: '' where there is nothing more to see of it. */
export function EndName({ end, href }: { end: End; href: string }): JSX.Element {
  if (href === '') return <EndBody {...end} />;
  return (
    <a href={attr(href)}>
      <EndBody {...end} />
    </a>
  );
}

function EndBody({ kind, name }: End): JSX.Element {
  if (kind === 'service') return <ServiceName name={name} />;
  return (
    <span class="end">
      <svg class={`end-shape is-${kind}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <path d={END_SHAPES[kind]} />
      </svg>
      <bdi class="data" safe>
        {name}
      </bdi>
      <span class="badge" safe>
        {END_WORDS[kind]}
      </span>
    </span>
  );
}

/** Cylinder, row of boxes, globe: as large as a letter. */
export const END_SHAPES = {
  database:
    'M2.5 4C2.5 2.6 5 1.7 8 1.7s5.5.9 5.5 2.3v8c0 1.4-2.5 2.3-5.5 2.3S2.5 13.4 2.5 12ZM2.5 4c0 1.4 2.5 2.3 5.5 2.3s5.5-.9 5.5-2.3',
  queue: 'M1.5 4.5h13v7h-13ZM5.8 4.5v7M10.2 4.5v7',
  external:
    'M8 1.7a6.3 6.3 0 1 0 0 12.6A6.3 6.3 0 0 0 8 1.7ZM1.7 8h12.6M8 1.7c4 4 4 8.6 0 12.6M8 1.7c-4 4-4 8.6 0 12.6',
} as const;
