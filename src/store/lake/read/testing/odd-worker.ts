/** Test support: a reader worker that does as the job's path says, as `hang`, `throw`, `exit`, `fail` or `ok 20`. */
import type { FromWorker, Job, ToWorker } from '../workers/jobs.ts';

declare const self: Worker;

const cancelled = new Set<number>();

function send(message: FromWorker): void {
  self.postMessage(message);
}

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  switch (message.kind) {
    case 'start':
      send({ kind: 'started' });
      return;
    case 'job':
      void work(message.id, message.job);
      return;
    case 'cancel':
      cancelled.add(message.id);
      return;
    case 'late':
    case 'limit':
      return;
  }
};

/** Works for `ms` in steps, as a scan does page by page. */
async function workFor(ms: number, id: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end && !cancelled.has(id))
    await new Promise((resolve) => setTimeout(resolve, 2));
}

async function work(id: number, { path }: Job): Promise<void> {
  const [what, ms = '0'] = path.split(' ');
  switch (what) {
    case 'hang':
      for (;;) if (performance.now() < 0) return;
    case 'exit':
      process.exit(1);
    case 'throw':
      setTimeout(() => {
        throw new Error('a panic');
      });
      return;
    case 'fail':
      send({ kind: 'failed', id, message: 'can not be read' });
      return;
  }
  await workFor(Number(ms), id);
  const traceIndex = new TextEncoder().encode(`${Bun.isMainThread} ${cancelled.has(id)}`);
  const cost = { rowGroups: 1, rows: 0, bytes: 0, skippedRowGroups: 0 };
  send({ kind: 'done', id, value: traceIndex, cost, memoryBytes: 0 });
}
