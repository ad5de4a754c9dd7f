/** The mark and the few icons, drawn as SVG so that they take the text's colour. */
import { Html } from '@elysiajs/html';

/** Spans lying in a lake: four bars of a waterfall above two waves. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect class="mark-ground" x="0" y="0" width="32" height="32" rx="7" />
      <rect class="mark-bar" x="6" y="6.5" width="20" height="3.4" rx="1.7" />
      <rect class="mark-bar mark-bar-2" x="9" y="12" width="11" height="3.4" rx="1.7" />
      <rect class="mark-bar mark-bar-3" x="17" y="17.5" width="7" height="3.4" rx="1.7" />
      <path class="mark-wave" d="M5 25.4c2.4-1.9 4.9-1.9 7.3 0s4.9 1.9 7.3 0 4.9-1.9 7.4 0" />
    </svg>
  );
}

const PATHS = {
  error: 'M8 1.5 15 14H1L8 1.5ZM8 6v3.6M8 11.6v.4',
  copy: 'M5.5 5.5h8v8h-8zM2.5 10.5v-8h8',
  filter: 'M2 3h12L9.5 8.5V13l-3-1.5v-3L2 3Z',
  filterOut: 'M2 3h12L9.5 8.5V13l-3-1.5v-3L2 3ZM2 14 14 2',
  group: 'M2.5 13.5v-6h2.5v6M6.8 13.5v-11h2.5v11M11 13.5v-4h2.5v4M1.5 13.5h13',
  compare: 'M5 2.5v11M2 5.5l3-3 3 3M11 13.5v-11M8 10.5l3 3 3-3',
  upload: 'M8 11V2.5M4.5 6 8 2.5 11.5 6M2.5 13.5h11',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  link: 'M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5 7.5 13A3 3 0 0 1 3 8.5L4.5 7',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.6 10.6 14 14',
  download: 'M8 2v8.5M4.5 7.5 8 11l3.5-3.5M2.5 13.5h11',
  chevronRight: 'M6 3.5 10.5 8 6 12.5',
  chevronDown: 'M3.5 6 8 10.5 12.5 6',
  theme: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM8 4a4 4 0 0 1 0 8Z',
  pin: 'M6 2h4M6.5 2v4L4 9h8L9.5 6V2M8 9v5',
  delete: 'M2.5 4.5h11M6 4.5v-2h4v2M4 4.5 4.7 14h6.6L12 4.5M6.7 7v4.5M9.3 7v4.5',
  check: 'M3 8.5 6.5 12 13 4.5',
  info: 'M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM8 7.2v4M8 4.7v.3',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  external: 'M9.5 2.5h4v4M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4',
  key: 'M5.5 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM7.7 7.8 13 2.5M10.5 5l2 2M12 3.5l1.5 1.5',
  pause: 'M5 3v10M11 3v10',
  play: 'M4.5 2.5 13 8l-8.5 5.5Z',
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration beside a text. An icon that stands alone needs a label on the element around it. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
