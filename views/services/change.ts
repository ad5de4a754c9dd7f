/** How a figure differs from that of the period before, in an arrow and words. Pure. */
import { formatPercent } from '../format.ts';

export interface Change {
  /** `↑ 12 %`; '' says nothing. */
  readonly text: string;
  /** For who hears it, and for the pointer: "12 % more than before". */
  readonly words: string;
  readonly tone: 'worse' | 'better' | 'neutral';
}

export type Meaning = 'more-is-worse' | 'neither';

/** Fewer spans than that tell by chance. */
const MEANINGFUL = 20;
/** Within that the figures are the same to anybody. */
const STEADY = 0.02;
/** Less than that is told, and marks nothing as better or worse. */
const NOTABLE = 0.1;
const NOTABLE_POINTS = 0.005;
/** From then on a factor reads better than percents. */
const FACTOR_FROM = 10;

const STEADY_CHANGE: Change = { text: '=', words: 'as before', tone: 'neutral' };

/** Of a figure that grows by factors: a rate, a duration. `spans`: the fewer of both periods. */
export function relativeChange(now: number, before: number, spans: number, meaning: Meaning): Change {
  if (before <= 0 || !Number.isFinite(now / before)) return { text: '', words: '', tone: 'neutral' };
  const share = now / before - 1;
  if (Math.abs(share) < STEADY) return STEADY_CHANGE;
  const grew = share > 0;
  const size = now / before >= FACTOR_FROM ? `${Math.round(now / before)} ×` : wholePercent(Math.abs(share));
  const words =
    now / before >= FACTOR_FROM
      ? `${size} as much as before`
      : `${size} ${grew ? 'more' : 'less'} than before`;
  const tone = Math.abs(share) < NOTABLE ? 'neutral' : toneOf(grew, spans, meaning);
  return { text: `${grew ? '↑' : '↓'} ${size}`, words, tone };
}

/** Of a share: in points of percent. */
export function shareChange(now: number, before: number, spans: number): Change {
  const points = now - before;
  if (Math.abs(points) < 0.0005) return STEADY_CHANGE;
  const grew = points > 0;
  const size = formatPercent(Math.abs(points)).replace(' %', ' pp');
  return {
    text: `${grew ? '↑' : '↓'} ${size}`,
    words: `${size.replace('pp', 'percentage points')} ${grew ? 'more' : 'less'} than before`,
    tone: Math.abs(points) < NOTABLE_POINTS ? 'neutral' : toneOf(grew, spans, 'more-is-worse'),
  };
}

function wholePercent(share: number): string {
  return `${Math.max(1, Math.round(share * 100))} %`;
}

function toneOf(grew: boolean, spans: number, meaning: Meaning): Change['tone'] {
  if (meaning === 'neither' || spans < MEANINGFUL) return 'neutral';
  return grew ? 'worse' : 'better';
}
