/** What was sent and not taken, a few of the last per project, for the person who wonders where it went. */
export interface Refusal {
  readonly timeUnixNano: bigint;
  readonly reason: string;
}

const KEPT = 5;
const MAX_PROJECTS = 1000;

export class Refusals {
  readonly #byProject = new Map<string, Refusal[]>();

  add(projectId: string, refusal: Refusal): void {
    const list = this.#byProject.get(projectId) ?? [];
    if (list.length === 0 && this.#byProject.size >= MAX_PROJECTS) return;
    const repeated = list.findIndex((known) => known.reason === refusal.reason);
    if (repeated >= 0) list.splice(repeated, 1);
    list.unshift(refusal);
    list.length = Math.min(list.length, KEPT);
    this.#byProject.set(projectId, list);
  }

  /** Newest first. */
  of(projectId: string): readonly Refusal[] {
    return this.#byProject.get(projectId) ?? [];
  }
}
