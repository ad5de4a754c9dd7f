/**
 * Projects and the tokens that open them. A token is shown once, when it is made: the catalog keeps its
 * SHA-256 alone. Other processes (the command line) may add and revoke while the server runs, so every
 * question goes to the catalog: a look-up takes some microseconds.
 */
import type { Database } from 'bun:sqlite';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { PROJECT_ID } from './catalog.ts';
import type { AuditAction } from './store-upkeep.ts';

/** `admin` reads too, and changes what is kept: retention, pins, deletion. */
export type TokenScope = 'ingest' | 'read' | 'admin';

export interface Project {
  readonly id: string;
  readonly name: string;
  /** Unix milliseconds, as all times here. */
  readonly createdAt: number;
}

export interface Token {
  /** Public: names the token when it is listed or revoked. */
  readonly id: string;
  readonly projectId: string;
  readonly scope: TokenScope;
  readonly name: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | undefined;
  readonly revokedAt: number | undefined;
}

export interface NewToken extends Token {
  /** The secret. It can't be had again. */
  readonly token: string;
}

/** Who does something, for the audit. */
export interface AuditNote {
  readonly actor: string;
}

/** What a token lets its bearer do. */
export interface Grant {
  readonly projectId: string;
  readonly scope: TokenScope;
  readonly tokenId: string;
}

/** A project or token that can't be made as asked; the message is for the person who asked. */
export class ProjectError extends Error {
  override readonly name = 'ProjectError';
}

/** `last_used_at` is for people: once a minute is enough, and spares a write with every request. */
const LAST_USED_STEP_MS = 60_000;

/** 256 bits. The prefix lets secret scanners, and people, know what they have found. */
const SECRET_BYTES = 32;

interface TokenRow {
  id: string;
  hash: Uint8Array;
  project_id: string;
  scope: TokenScope;
  name: string;
  created_at: number;
  last_used_at: number | null;
  revoked_at: number | null;
}

export class Projects {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #usedAt = new Map<string, number>();

  constructor(db: Database, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
  }

  /** `name` is the id too, since it stands in paths. `audit` notes who did it. Throws ProjectError. */
  createProject(name: string, audit?: AuditNote): Project {
    if (!PROJECT_ID.test(name)) {
      throw new ProjectError(
        `${JSON.stringify(name)} can't name a project: use a-z, 0-9, - and _, at most 63, beginning with a letter or digit`,
      );
    }
    const createdAt = this.#now();
    this.#db
      .transaction(() => {
        const made = this.#db
          .query('INSERT OR IGNORE INTO projects (id, name, created_at) VALUES (?, ?, ?)')
          .run(name, name, createdAt);
        if (made.changes === 0) throw new ProjectError(`there is a project ${name} already`);
        if (audit) this.#note('create project', name, audit);
      })
      .immediate();
    return { id: name, name, createdAt };
  }

  listProjects(): readonly Project[] {
    const rows = this.#db
      .query<{ id: string; name: string; created_at: number }, []>(
        'SELECT * FROM projects ORDER BY created_at, id',
      )
      .all();
    return rows.map(({ id, name, created_at }) => ({ id, name, createdAt: created_at }));
  }

  countProjects(): number {
    return this.#db.query<{ count: number }, []>('SELECT COUNT(*) AS count FROM projects').get()?.count ?? 0;
  }

  /** Throws ProjectError for an unknown project. */
  createToken(projectId: string, scope: TokenScope, name: string, audit?: AuditNote): NewToken {
    const known = this.#db.query('SELECT 1 FROM projects WHERE id = ?').get(projectId);
    if (known === null) {
      throw new ProjectError(
        `there is no project ${projectId}; make it with: spanlake project create ${projectId}`,
      );
    }
    const token = `slk_${scope}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
    const id = randomBytes(6).toString('hex');
    const createdAt = this.#now();
    this.#db
      .transaction(() => {
        this.#db
          .query(
            'INSERT INTO tokens (id, hash, project_id, scope, name, created_at) VALUES (?, ?, ?, ?, ?, ?)',
          )
          .run(id, digest(token), projectId, scope, name, createdAt);
        if (audit) this.#note('create token', projectId, audit, `${id} ${scope} ${name}`.trim());
      })
      .immediate();
    return { id, token, projectId, scope, name, createdAt, lastUsedAt: undefined, revokedAt: undefined };
  }

  /** Revoked ones too. */
  listTokens(): readonly Token[] {
    return this.#db.query<TokenRow, []>('SELECT * FROM tokens ORDER BY created_at, id').all().map(toToken);
  }

  /** False when no active token has that id. */
  revokeToken(id: string, audit?: AuditNote): boolean {
    return this.#db
      .transaction(() => {
        const row = this.#db
          .query<Pick<TokenRow, 'project_id' | 'scope' | 'name'>, [number, string]>(
            `UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL
             RETURNING project_id, scope, name`,
          )
          .get(this.#now(), id);
        if (row === null) return false;
        if (audit) {
          this.#note('revoke token', row.project_id, audit, `${id} ${row.scope} ${row.name}`.trim());
        }
        return true;
      })
      .immediate();
  }

  /** Read by `Store.audit`. Tokens are named by their ids: the secrets stand nowhere. */
  #note(action: AuditAction, projectId: string, { actor }: AuditNote, detail = projectId): void {
    this.#db
      .query(
        'INSERT INTO audit (at, project_id, action, actor, detail, spans, bytes) VALUES (?, ?, ?, ?, ?, 0, 0)',
      )
      .run(this.#now(), projectId, action, actor, detail);
  }

  /** True as soon as one active token exists: from then on nobody is let in without. */
  anyTokens(): boolean {
    return this.#db.query('SELECT 1 FROM tokens WHERE revoked_at IS NULL LIMIT 1').get() !== null;
  }

  /** What the token opens; undefined for an unknown or revoked one. */
  authenticate(token: string): Grant | undefined {
    const hash = digest(token);
    const row = this.#db
      .query<Pick<TokenRow, 'id' | 'hash' | 'project_id' | 'scope'>, [Uint8Array]>(
        'SELECT id, hash, project_id, scope FROM tokens WHERE hash = ? AND revoked_at IS NULL',
      )
      .get(hash);
    // The index compares byte by byte, but digests: how far it got tells nothing about the token.
    if (row === null || !timingSafeEqual(hash, row.hash)) return undefined;
    this.#touch(row.id);
    return { projectId: row.project_id, scope: row.scope, tokenId: row.id };
  }

  #touch(id: string): void {
    const now = this.#now();
    if (now - (this.#usedAt.get(id) ?? -Infinity) < LAST_USED_STEP_MS) return;
    this.#usedAt.set(id, now);
    try {
      this.#db.query('UPDATE tokens SET last_used_at = ? WHERE id = ?').run(now, id);
    } catch {
      // A full disk or a long lock must not turn anyone away: the time is only for people.
    }
  }
}

function digest(token: string): Uint8Array {
  return Bun.CryptoHasher.hash('sha256', token);
}

function toToken(row: TokenRow): Token {
  return {
    id: row.id,
    projectId: row.project_id,
    scope: row.scope,
    name: row.name,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  };
}
