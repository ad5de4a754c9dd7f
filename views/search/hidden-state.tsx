/** The rest of a search's address inside a form, so that one form does not lose what another shows. */
import { Html } from '@elysiajs/html';
import { attr } from '../format.ts';
import { searchFields } from './search-state.ts';
import type { SearchState } from './search-state.ts';

export function Hidden({ state }: { state: SearchState }): JSX.Element {
  return (
    <>
      {searchFields(state).map(([name, value]) => (
        <input type="hidden" name={name} value={attr(value)} />
      ))}
    </>
  );
}
