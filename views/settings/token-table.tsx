/** Tokens: scope, age, last use, and what can be done to each. */
import { Html } from '@elysiajs/html';
import type { Token } from '../../src/store/projects.ts';
import { attr, plural } from '../format.ts';
import { Ago } from '../shared/parts.tsx';

export interface TokenTableProps {
  readonly tokens: readonly Token[];
  readonly ownTokenId: string;
  readonly now: bigint;
}

/** More than anyone tells apart; `spanlake token list` has all. */
const SHOWN = 200;
const NANO_PER_MS = 1_000_000n;

export function TokenTable({ tokens, ownTokenId, now }: TokenTableProps): JSX.Element {
  const shown = tokens.toReversed().slice(0, SHOWN);
  const isOnlyAdmin = tokens.filter(({ scope }) => scope === 'admin').length === 1;
  return (
    <>
      <table class="list tokens">
        <thead>
          <tr>
            <th scope="col">Token</th>
            <th scope="col">Scope</th>
            <th scope="col">Made</th>
            <th scope="col">Last used</th>
            <th scope="col">
              <span class="hidden-visually">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((token) => (
            <Row
              token={token}
              now={now}
              isOwn={token.id === ownTokenId}
              isOnlyAdmin={isOnlyAdmin && token.scope === 'admin'}
            />
          ))}
        </tbody>
      </table>
      {tokens.length > SHOWN ? (
        <p class="note">
          <span safe>{`${plural(tokens.length - SHOWN, 'older token')} not shown: `}</span>
          <code>spanlake token list</code>
        </p>
      ) : (
        ''
      )}
    </>
  );
}

interface RowProps {
  readonly token: Token;
  readonly now: bigint;
  readonly isOwn: boolean;
  readonly isOnlyAdmin: boolean;
}

function Row(props: RowProps): JSX.Element {
  const { token, now, isOwn } = props;
  const { id, name, scope, createdAt, lastUsedAt, revokedAt } = token;
  return (
    <tr>
      <th scope="row" class="col-main">
        {name === '' ? (
          <em class="missing">unnamed</em>
        ) : (
          <bdi class="data" safe>
            {name}
          </bdi>
        )}{' '}
        <code safe>{id}</code>
        {isOwn ? <span class="badge">yours</span> : ''}
      </th>
      <td>{scope}</td>
      <td data-label="made">
        <Ago unixNano={BigInt(createdAt) * NANO_PER_MS} now={now} />
      </td>
      <td data-label="last used">
        {lastUsedAt === undefined ? (
          <span class="none">never</span>
        ) : (
          <Ago unixNano={BigInt(lastUsedAt) * NANO_PER_MS} now={now} />
        )}
      </td>
      <td class="actions">
        {revokedAt === undefined ? (
          <Actions {...props} />
        ) : (
          <span class="none">
            revoked <Ago unixNano={BigInt(revokedAt) * NANO_PER_MS} now={now} />
          </span>
        )}
      </td>
    </tr>
  );
}

function Actions({ token, isOwn, isOnlyAdmin }: RowProps): JSX.Element {
  const { id, scope } = token;
  const name = token.name === '' ? token.id : token.name;
  const own = isOwn ? 'This browser is signed in with it and is then signed out. ' : '';
  const last = isOnlyAdmin
    ? 'It is the only admin token: others are then made on the command line alone. '
    : '';
  return (
    <div class="row-actions">
      {scope === 'ingest' ? (
        <a class="quiet" href={attr(`/ingest?token=${id}#sender-${id}`)}>
          Ingest
        </a>
      ) : (
        ''
      )}
      <details class="confirm" name={attr(`confirm-${id}`)}>
        <summary class="quiet" aria-label={attr(`Rotate ${name}`)}>
          Rotate
        </summary>
        <form method="post" action={attr(`/settings/tokens/${id}/rotate`)}>
          <p>Makes another of the same name and scope.</p>
          <label>
            <input type="checkbox" name="revoke" value="now" /> Revoke this one at once
          </label>
          <button class="button">Rotate</button>
        </form>
      </details>
      <details class="confirm" name={attr(`confirm-${id}`)}>
        <summary class="quiet" aria-label={attr(`Revoke ${name}`)}>
          Revoke
        </summary>
        <form method="post" action={attr(`/settings/tokens/${id}/revoke`)}>
          <p safe>{`${own}${last}Whoever has it is turned away from then on. It can’t be undone.`}</p>
          <button class="button is-danger">Revoke</button>
        </form>
      </details>
    </div>
  );
}
