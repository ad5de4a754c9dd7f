import type { LossCounts } from './losses.ts';

/** Where the columns stood: rows behind it can be undone. */
export interface Mark {
  readonly rows: number;
  readonly minHigh: number;
  readonly minLow: number;
  readonly maxHigh: number;
  readonly maxLow: number;
  readonly keys: number;
  readonly services: number;
  readonly resources: number;
  readonly scopes: number;
  readonly losses: LossCounts;
}
