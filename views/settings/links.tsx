/** Links out of spans, to logs and dashboards elsewhere. */
import { Html } from '@elysiajs/html';
import type { StoredLinkTemplate } from '../../src/store/link-templates.ts';
import { LINK_FIELDS } from '../../src/trace/link-templates.ts';
import { attr } from '../format.ts';
import { Icon } from '../icons.tsx';

export interface LinksState {
  readonly templates: readonly StoredLinkTemplate[];
  /** What was sent last and what was wrong with it; '' when nothing was. */
  readonly sent: { readonly name: string; readonly url: string; readonly problem: string };
}

export interface LinksProps {
  readonly links: LinksState;
  readonly mayChange: boolean;
  readonly whyNot: string;
}

export function Links({ links, mayChange, whyNot }: LinksProps): JSX.Element {
  const { templates } = links;
  return (
    <section class="card" aria-labelledby="links">
      <h2 id="links">Links</h2>
      <p class="none">
        Shown beside each span that has all that an address asks for: to its logs, its host’s dashboard, its
        line of code.
      </p>
      {templates.length === 0 ? (
        <p class="none">None yet.</p>
      ) : (
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Address</th>
              <th scope="col">
                <span class="hidden-visually">Action</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {templates.map((template) => (
              <Row template={template} mayChange={mayChange} />
            ))}
          </tbody>
        </table>
      )}
      {mayChange ? (
        <NewLink sent={links.sent} />
      ) : (
        <p class="note" safe>
          {whyNot}
        </p>
      )}
    </section>
  );
}

function Row({ template, mayChange }: { template: StoredLinkTemplate; mayChange: boolean }): JSX.Element {
  return (
    <tr>
      <th scope="row" class="col-main data" safe>
        {template.name}
      </th>
      <td>
        <code safe>{template.url}</code>
      </td>
      <td class="actions">
        {mayChange ? (
          <form method="post" action={attr(`/settings/links/${template.id}/remove`)}>
            <button class="quiet" aria-label={attr(`Remove the link ${template.name}`)}>
              Remove
            </button>
          </form>
        ) : (
          ''
        )}
      </td>
    </tr>
  );
}

const PLACES = [...LINK_FIELDS, 'span.KEY', 'resource.KEY'];

function NewLink({ sent }: { sent: LinksState['sent'] }): JSX.Element {
  return (
    <form method="post" action="/settings/links" class="form">
      {sent.problem === '' ? (
        ''
      ) : (
        <p class="status-error" role="alert" id="link-problem">
          <Icon name="error" />
          <span safe>{sent.problem}</span>
        </p>
      )}
      <div class="fields">
        <div class="field">
          <label for="link-name">Name</label>
          <input
            id="link-name"
            name="name"
            type="text"
            required
            maxlength="60"
            value={attr(sent.name)}
            placeholder="Logs"
          />
        </div>
        <div class="field is-wide">
          <label for="link-url">Address</label>
          <input
            id="link-url"
            name="url"
            type="text"
            required
            maxlength="2000"
            spellcheck="false"
            value={attr(sent.url)}
            placeholder={'https://logs.example.com/?q=${traceId}'}
            aria-describedby={sent.problem === '' ? 'link-places' : 'link-problem link-places'}
          />
        </div>
        <button class="button">Add link</button>
      </div>
      <p class="note" id="link-places">
        Filled in:{' '}
        {PLACES.map((place) => (
          <>
            <code safe>{`\${${place}}`}</code>{' '}
          </>
        ))}
      </p>
    </form>
  );
}
