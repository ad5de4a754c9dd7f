/** Saved searches: the menu beside a search, and the page on which they are renamed and deleted. */
import { Html } from '@elysiajs/html';
import type { SavedSearch } from '../../src/store/saved-searches.ts';
import { attr, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';

export interface SavedMenuProps {
  readonly saved: readonly SavedSearch[];
  readonly state: SearchState;
  /** False for who may only read. */
  readonly mayChange: boolean;
}

export function SavedMenu({ saved, state, mayChange }: SavedMenuProps): JSX.Element {
  const href = searchHref(state);
  return (
    <details class="picker" id="saved" name="search-tools">
      <summary class="button is-quiet">
        <Icon name="pin" />
        <span safe>{saved.length === 0 ? 'Saved' : `Saved (${saved.length})`}</span>
      </summary>
      <div class="picker-body">
        {saved.length === 0 ? (
          <p class="none">No search is saved yet.</p>
        ) : (
          <ul class="picker-list saved-list" aria-label="Saved searches">
            {saved.map(({ name, url }) => (
              <li>
                <a href={attr(url)} aria-current={url === href ? 'page' : undefined} hx-boost="true">
                  <bdi class="data" safe>
                    {name}
                  </bdi>
                </a>
              </li>
            ))}
          </ul>
        )}
        {mayChange ? (
          <form class="save-form" method="post" action="/search/saved" hx-boost="false">
            <input type="hidden" name="url" value={attr(href)} />
            <label class="field">
              <span>Save this search as</span>
              <input name="name" type="text" required maxlength="120" autocomplete="off" />
            </label>
            <button class="button">Save</button>
          </form>
        ) : (
          <p class="note">This token may only read: sign in with an admin token to save searches.</p>
        )}
        {saved.length === 0 ? (
          ''
        ) : (
          <a href="/search/saved" hx-boost="false">
            {mayChange ? 'Rename or delete' : 'All saved searches'}
          </a>
        )}
      </div>
    </details>
  );
}

export interface SavedPageProps {
  readonly shell: Shell;
  readonly saved: readonly SavedSearch[];
  readonly mayChange: boolean;
  /** What could not be done; '' when nothing was refused. */
  readonly problem: string;
}

export function SavedPage({ shell, saved, mayChange, problem }: SavedPageProps): JSX.Element {
  return (
    <Layout shell={shell} title="Saved searches" current="search">
      <div class="page-head">
        <div>
          <p class="crumb">
            <a href="/search">Search</a>
          </p>
          <h1>Saved searches</h1>
        </div>
      </div>
      {problem === '' ? (
        ''
      ) : (
        <p class="status-error saved-problem" role="alert">
          <Icon name="error" />
          <span safe>{problem}</span>
        </p>
      )}
      {saved.length === 0 ? (
        <div class="nothing">
          <p class="nothing-title">Nothing saved yet</p>
          <p>Search for something, then name it under “Saved”. Everybody of this project sees it.</p>
          <p class="ways">
            <a class="button" href="/search">
              Go to search
            </a>
          </p>
        </div>
      ) : (
        <>
          <p
            class="found"
            safe
          >{`${plural(saved.length, 'search', 'searches')}, shared by all of this project`}</p>
          <table class="list saved-table">
            <caption class="hidden-visually">Saved searches</caption>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Query</th>
                {mayChange ? <th scope="col">Change</th> : ''}
              </tr>
            </thead>
            <tbody>
              {saved.map((one) => (
                <SavedRow one={one} mayChange={mayChange} />
              ))}
            </tbody>
          </table>
        </>
      )}
    </Layout>
  );
}

function SavedRow({ one, mayChange }: { one: SavedSearch; mayChange: boolean }): JSX.Element {
  const { id, name, url } = one;
  const q = new URLSearchParams(url.split('?')[1] ?? '').get('q') ?? '';
  return (
    <tr>
      <td class="col-main">
        <a href={attr(url)}>
          <bdi class="data" safe>
            {name}
          </bdi>
        </a>
      </td>
      <td data-label="Query">
        {q === '' ? <span class="none">every span</span> : <code safe>{q.slice(0, 300)}</code>}
      </td>
      {mayChange ? (
        <td class="saved-change">
          <form method="post" action={`/search/saved/${id}/rename`}>
            <input
              name="name"
              type="text"
              value={attr(name)}
              required
              maxlength="120"
              aria-label={attr(`New name of ${name}`)}
            />
            <button class="button is-quiet">Rename</button>
          </form>
          <form method="post" action={`/search/saved/${id}/delete`}>
            <button class="quiet" aria-label={attr(`Delete ${name}`)} title="Delete">
              <Icon name="delete" />
            </button>
          </form>
        </td>
      ) : (
        ''
      )}
    </tr>
  );
}
