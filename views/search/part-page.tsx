/** A part of the search page alone: where scripts are off, or in a tab of its own. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import { attr } from '../format.ts';
import { Icon } from '../icons.tsx';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { rangeText, searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';

export function PartPage(props: {
  shell: Shell;
  title: string;
  state: SearchState;
  children?: Children;
}): JSX.Element {
  const { shell, title, state } = props;
  return (
    <Layout shell={shell} title={title} current="search">
      <div class="part-page">
        <h1 safe>{title}</h1>
        <p>
          <a href={attr(searchHref(state))}>Back to the results</a>{' '}
          <span class="note" safe>{`in ${rangeText(state)}`}</span>
        </p>
        {state.q === '' ? (
          ''
        ) : (
          <p>
            <code safe>{state.q}</code>
          </p>
        )}
        {props.children}
      </div>
    </Layout>
  );
}

/** In place of a part that can't be had. */
export function PartProblem({ message }: { message: string }): JSX.Element {
  return (
    <p class="status-error">
      <Icon name="error" />
      <span safe>{message}</span>
    </p>
  );
}
