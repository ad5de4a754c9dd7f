/** The line above every answer of a search: what there is, whether it is complete, and how it was come by. */
import { Html } from '@elysiajs/html';
import type { Coverage } from '../../src/store/span-store.ts';
import { CoverageLine } from '../shared/parts.tsx';
import { Explained, ExplainLink } from './explain.tsx';
import type { SearchState } from './search-state.ts';

export function FoundHead(props: { text: string; state: SearchState; coverage: Coverage }): JSX.Element {
  const { text, state, coverage } = props;
  return (
    <>
      <div class="found" role="status">
        <p safe>{text}</p>
        <CoverageLine coverage={coverage} />
        <ExplainLink state={state} coverage={coverage} />
      </div>
      <Explained state={state} coverage={coverage} />
    </>
  );
}
