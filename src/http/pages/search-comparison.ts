/** `/search/comparison`: what tells the spans of a part of the heatmap from the others of the search. */
import { Html } from '@elysiajs/html';
import { QuestionError } from '../../store/span-store.ts';
import { and } from '../../traceql/build.ts';
import { Comparison } from '../../../views/search/comparison.tsx';
import { durationBounds, QueryEdits } from '../../../views/search/facets-links.ts';
import { isSelected } from '../../../views/search/selection.ts';
import { selectedPart } from './search-heatmap.ts';
import { searchPart } from './search-part.ts';

/** The page shows those that say most, and says how many it leaves out. */
const FIELDS = 40;
const VALUES = 8;

export const comparisonPart = searchPart('The selection and the rest', async (asked) => {
  const { state, query, range, signal } = asked;
  if (!isSelected(state.selection)) throw new QuestionError('invalid_argument', 'nothing is selected');
  const part = selectedPart(state.selection);
  const page = await asked.deps.store.comparison(asked.projectId, {
    query,
    range,
    selection: and(...durationBounds(part.least, part.below)),
    selectionRange: part.range,
    limit: FIELDS,
    values: VALUES,
    signal,
  });
  return Html.createElement(Comparison, { state, edits: new QueryEdits(query), page });
});
