/** What the address of the map holds. */
import { readRange, rangeParams } from '../shared/range-fields.ts';
import type { RangeFields } from '../shared/range-fields.ts';
import { withParams } from './stats-state.ts';

export interface MapState {
  readonly range: RangeFields;
  /** Only what it calls and what calls it; undefined: everything. '' is spans without a service's name. */
  readonly service: string | undefined;
}

export function readMapState(params: URLSearchParams): MapState {
  const service = params.get('service') ?? '';
  return {
    range: readRange(params),
    service: service === '' && !params.has('unnamed') ? undefined : service,
  };
}

export function mapHref({ range, service }: MapState): string {
  return withParams('/map', {
    ...rangeParams(range),
    ...(service === undefined ? {} : { service }),
    // A form's empty field is no choice.
    ...(service === '' ? { unnamed: '1' } : {}),
  });
}
