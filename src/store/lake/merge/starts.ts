/**
 * When traces begin, without the rows that a peer has or that go with a row that is dropped: the survey
 * sees rows one by one and can't tell. Only traces in question are settled for it, a first time.
 */
import { Window } from './once.ts';
import type { Survey } from './survey.ts';

const NOWHERE = { push() {} };

/** `inputs`: how many of the sources are no peers. `windowRows`: rows that are looked at together. */
export async function exactStarts(survey: Survey, inputs: number, windowRows: number): Promise<void> {
  const { traces, sources } = survey;
  let window: number[] = [];
  let rows = 0;
  for (const trace of inQuestion(survey, inputs)) {
    window.push(trace);
    rows += traces.rowsOf(trace);
    if (rows < windowRows) continue;
    await correct(survey, sources.firstUnit(inputs), window);
    window = [];
    rows = 0;
  }
  if (window.length > 0) await correct(survey, sources.firstUnit(inputs), window);
}

/** In the order of their first run, so that neighbours are read together. */
function inQuestion(survey: Survey, inputs: number): Set<number> {
  const { traces } = survey;
  const found = new Set<number>();
  for (let trace = 0; trace < traces.count; trace++) {
    if (traces.unsettled[trace] === 0) continue;
    let last = traces.firstRun[trace];
    for (let run = traces.runAfter(last); run !== undefined; run = traces.runAfter(run)) last = run;
    // Runs of peers come last.
    if (survey.hasAnyMarks || traces.runSource[last] >= inputs) found.add(trace);
  }
  return found;
}

async function correct(survey: Survey, firstPeerUnit: number, traces: readonly number[]): Promise<void> {
  const window = new Window(survey, firstPeerUnit);
  await window.read(traces);
  for (const trace of traces) {
    const { start } = window.settle(trace, NOWHERE);
    if (start !== undefined) survey.traces.setStart(trace, start.low, start.high);
  }
}
