/** `/settings`: how the store fares, how long traces stay, who may come in, links out, what was done. */
import { Html } from '@elysiajs/html';
import type { AuditEntry, PinnedTrace, ProjectUsage, StoreHealth } from '../../src/store/store-upkeep.ts';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { Access } from './access.tsx';
import type { AccessState } from './access.tsx';
import { Audit, Pins } from './audit.tsx';
import { Links } from './links.tsx';
import type { LinksState } from './links.tsx';
import { Retention } from './retention.tsx';
import type { RetentionProps } from './retention.tsx';
import { Storage } from './storage.tsx';

export interface SettingsProps {
  readonly shell: Shell;
  readonly now: bigint;
  readonly health: StoreHealth;
  readonly usage: ProjectUsage;
  readonly retention: RetentionProps['retention'];
  readonly maxBytes: number | undefined;
  readonly access: AccessState;
  readonly links: LinksState;
  readonly pins: readonly PinnedTrace[];
  readonly audit: readonly AuditEntry[];
  /** False for a token that may only read, and for a folder that is. */
  readonly mayChange: boolean;
  readonly readOnly: boolean;
  /** Which part was saved just now, or ''. */
  readonly saved: string;
}

const PARTS = [
  ['storage', 'Storage'],
  ['retention', 'Retention'],
  ['access', 'Access'],
  ['links', 'Links'],
  ['pins', 'Pinned'],
  ['audit', 'Audit'],
] as const;

export function SettingsPage(props: SettingsProps): JSX.Element {
  const whyNot = props.readOnly
    ? 'This data folder is opened for reading only.'
    : 'To change this, sign in with an admin token.';
  return (
    <Layout shell={props.shell} title="Settings" current="settings">
      <header class="page-head">
        <h1>Settings</h1>
        <p class="note" safe>{`Project ${props.usage.projectId}`}</p>
      </header>
      <div class="settings">
        <nav class="settings-parts" aria-label="Parts of the settings">
          {PARTS.map(([id, label]) => (
            <a href={`#${id}`}>{label}</a>
          ))}
        </nav>
        <Storage health={props.health} usage={props.usage} now={props.now} />
        <Retention {...props} whyNot={whyNot} saved={props.saved === 'retention'} />
        <Access
          access={props.access}
          projectId={props.usage.projectId}
          mayChange={props.mayChange}
          whyNot={whyNot}
          now={props.now}
        />
        <Links links={props.links} mayChange={props.mayChange} whyNot={whyNot} />
        <Pins pins={props.pins} now={props.now} mayChange={props.mayChange} />
        <Audit audit={props.audit} />
      </div>
    </Layout>
  );
}
