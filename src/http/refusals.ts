/** What was sent and not taken, a few of the last per project, for the person who wonders where it went. */
export interface Refusal {
  readonly timeUnixNano: bigint;
  readonly reason: string;
}

interface Entry {
  readonly refusal: Refusal;
  readonly toldUnixNano: bigint;
}

const KEPT = 5;
const MAX_PROJECTS = 1000;
/** A sender that is turned away comes back every second: one line of the log a minute says it all. */
const NEWS_AFTER_NANO = 60_000_000_000n;
/** Of a project in that time: some reasons have numbers in them that a sender chooses. */
const MOST_NEWS = 10;

export class Refusals {
  readonly #byProject = new Map<string, Entry[]>();
  /** Lines of the log, and since when they are counted. */
  readonly #news = new Map<string, { sinceUnixNano: bigint; lines: number }>();

  /** True when it is worth a line of the log. */
  add(projectId: string, refusal: Refusal): boolean {
    const list = this.#byProject.get(projectId) ?? [];
    if (list.length === 0 && this.#byProject.size >= MAX_PROJECTS) return true;
    const at = list.findIndex((known) => known.refusal.reason === refusal.reason);
    const [repeated] = at < 0 ? [] : list.splice(at, 1);
    const toldUnixNano = repeated?.toldUnixNano ?? -NEWS_AFTER_NANO;
    const isNews =
      refusal.timeUnixNano - toldUnixNano >= NEWS_AFTER_NANO &&
      this.#mayBeNews(projectId, refusal.timeUnixNano);
    list.unshift({ refusal, toldUnixNano: isNews ? refusal.timeUnixNano : toldUnixNano });
    list.length = Math.min(list.length, KEPT);
    this.#byProject.set(projectId, list);
    return isNews;
  }

  #mayBeNews(projectId: string, timeUnixNano: bigint): boolean {
    let news = this.#news.get(projectId);
    if (news === undefined || timeUnixNano - news.sinceUnixNano >= NEWS_AFTER_NANO) {
      news = { sinceUnixNano: timeUnixNano, lines: 0 };
      this.#news.set(projectId, news);
    }
    news.lines += 1;
    return news.lines <= MOST_NEWS;
  }

  /** Newest first. */
  of(projectId: string): readonly Refusal[] {
    return (this.#byProject.get(projectId) ?? []).map((entry) => entry.refusal);
  }
}
