/** Questions put to the server and to DuckDB by turns, warm and cold. */
import { dropFromPageCache } from './cold.ts';
import { coldMs } from './duckdb.ts';
import type { DuckDb } from './duckdb.ts';
import type { Measure } from './measure.ts';
import { atMost, figure, median, quantile } from './measure.ts';
import type { Figures, Json, Question } from './query-suite.ts';
import { Server } from './server.ts';

/** Timed, behind WARM_UP rounds that are not. */
const ROUNDS = 15;
const WARM_UP = 3;
/** A slow question has fewer rounds. */
const MAX_SECONDS = 15;
const LEAST_ROUNDS = 3;
const COLD_ROUNDS = 3;
/** After a start: what a server readies of its own accord is then ready, as DuckDB's threads are. */
const SETTLE_MS = 1500;
const WARM_RATIO_GOAL = 1;
const COLD_RATIO_GOAL = 1.5;

export interface Answer {
  /** From the request to the last byte. */
  readonly ms: number;
  /** What the server says of its own time; undefined where an answer doesn't say it. */
  readonly tookMs: number | undefined;
  readonly body: Json;
}

export async function ask(server: Server, path: string): Promise<Answer> {
  const before = performance.now();
  const answer = await fetch(`${server.url}/api/v1${path}`);
  const text = await answer.text();
  const ms = performance.now() - before;
  if (!answer.ok) throw new Error(`${path} is answered ${answer.status}: ${text.slice(0, 300)}`);
  const body = JSON.parse(text) as Json;
  if (body.complete !== undefined && body.complete !== true) {
    throw new Error(`${path} is answered incompletely: ${JSON.stringify(body.complete)}`);
  }
  return { ms, tookMs: typeof body.tookMs === 'number' ? body.tookMs : undefined, body };
}

/** A question that fails is told and left out: the others are measured all the same. */
export async function measureQuestions(
  server: Server,
  duckdb: DuckDb,
  questions: readonly Question[],
): Promise<Measure[]> {
  const measures: Measure[] = [];
  for (const question of questions) {
    try {
      measures.push(...(await measureQuestion(server, duckdb, question)));
    } catch (error) {
      console.error(`not measured: ${question.id} ${question.name}: ${String(error)}`);
    }
  }
  return measures;
}

async function measureQuestion(server: Server, duckdb: DuckDb, question: Question): Promise<Measure[]> {
  await compareAnswers(server, duckdb, question);
  const ours: number[] = [];
  const inside: number[] = [];
  const theirs: number[] = [];
  const begin = performance.now();
  let ourCpu = 0;
  let theirCpu = 0;
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const late = performance.now() - begin > MAX_SECONDS * 1000;
    if (late && ours.length >= LEAST_ROUNDS) break;
    const cpuBefore = server.cpuSeconds();
    const answer = await ask(server, question.path(round));
    const ourRound = server.cpuSeconds() - cpuBefore;
    const sql = question.sql?.(round);
    const before = process.cpuUsage();
    const theirMs = sql === undefined ? undefined : await duckdb.time(sql);
    const { user, system } = process.cpuUsage(before);
    if (round < WARM_UP) continue;
    ours.push(answer.ms);
    ourCpu += ourRound;
    if (answer.tookMs !== undefined) inside.push(answer.tookMs);
    if (theirMs === undefined) continue;
    theirs.push(theirMs);
    theirCpu += (user + system) / 1e6;
  }
  return warmMeasures(question, { ours, inside, theirs, ourCpu, theirCpu });
}

interface Times {
  readonly ours: readonly number[];
  readonly inside: readonly number[];
  readonly theirs: readonly number[];
  /** Seconds of all rounds. */
  readonly ourCpu: number;
  readonly theirCpu: number;
}

function warmMeasures({ id, name, p50Goal, p95Goal }: Question, times: Times): Measure[] {
  const { ours, inside, theirs, ourCpu, theirCpu } = times;
  const goalOr = (text: string, value: number, goal: number | undefined) =>
    goal === undefined ? figure(id, text, value, 'ms') : atMost(id, text, value, 'ms', goal);
  const measures = [
    goalOr(`${name}, p50`, median(ours), p50Goal),
    goalOr(`${name}, p95`, quantile(ours, 0.95), p95Goal),
  ];
  if (inside.length > 0)
    measures.push(figure(id, `${name}, inside of the server, p50`, median(inside), 'ms'));
  measures.push(figure(id, `${name}, CPU`, (ourCpu * 1000) / ours.length, 'CPU ms'));
  if (theirs.length === 0) return measures;
  const ratio = median(ours) / median(theirs);
  return [
    ...measures,
    figure(id, `${name}, DuckDB p50`, median(theirs), 'ms'),
    figure(id, `${name}, DuckDB CPU`, (theirCpu * 1000) / theirs.length, 'CPU ms'),
    id === 'P10'
      ? atMost(id, `${name}, ratio to DuckDB`, ratio, 'x', WARM_RATIO_GOAL)
      : figure(id, `${name}, ratio to DuckDB`, ratio, 'x'),
  ];
}

/** Figures of two answers that differ would make their times worthless. */
async function compareAnswers(server: Server, duckdb: DuckDb, question: Question): Promise<void> {
  const ours = question.figures((await ask(server, question.path(0))).body);
  if (question.sql === undefined || question.sqlFigures === undefined) return;
  const theirs = question.sqlFigures(await duckdb.rows(question.sql(0)));
  const difference = differenceOf(ours, theirs, question.tolerance ?? 0);
  if (difference !== '') throw new Error(`answers differ: ${difference}`);
}

function differenceOf(ours: Figures, theirs: Figures, tolerance: number): string {
  // A count of nothing may be no series at all.
  const keys = new Set([...ours.keys(), ...theirs.keys()]);
  for (const key of keys) {
    const [our, their] = [ours.get(key) ?? 0, theirs.get(key) ?? 0];
    if (Math.abs(our - their) > tolerance * Math.abs(their)) {
      return `${JSON.stringify(key)} is ${our}, DuckDB says ${their} (${ours.size} and ${theirs.size} figures)`;
    }
  }
  return '';
}

/** The first question of a new process, the files not in the page cache. */
export async function measureCold(folder: string, questions: readonly Question[]): Promise<Measure[]> {
  const measures: Measure[] = [];
  const means = dropFromPageCache(folder) ? 'cold' : 'new process';
  for (const { id, name, path, sql } of questions) {
    if (sql === undefined) continue;
    const ours: number[] = [];
    const theirs: number[] = [];
    try {
      for (let round = 0; round < COLD_ROUNDS; round++) {
        ours.push(await coldAnswerMs(folder, path(round)));
        dropFromPageCache(folder);
        theirs.push(coldMs(folder, sql(round)));
      }
    } catch (error) {
      console.error(`not measured cold: ${name}: ${String(error)}`);
      continue;
    }
    measures.push(
      figure(id, `${name}, ${means}`, median(ours), 'ms'),
      figure(id, `${name}, ${means}, DuckDB`, median(theirs), 'ms'),
      atMost(id, `${name}, ${means}, ratio to DuckDB`, median(ours) / median(theirs), 'x', COLD_RATIO_GOAL),
    );
  }
  return measures;
}

async function coldAnswerMs(folder: string, path: string): Promise<number> {
  const server = await Server.start(folder);
  try {
    await Bun.sleep(SETTLE_MS);
    dropFromPageCache(folder);
    return (await ask(server, path)).ms;
  } finally {
    await server.stop();
  }
}
