/** Work without a visitor: consumers of the queue, an N+1 listing, a report with hundreds of queries. */
import { readStock } from './browse.ts';
import { database, http, linkTo, rpc, step } from './calls.ts';
import { Failure } from './failure.ts';
import { CONSUMER, INTERNAL } from './recorder.ts';
import type { ActiveSpan, TraceRecorder } from './recorder.ts';
import { scopeOf } from './services.ts';
import type { Message, Visit } from './shop.ts';
import { page, viaGateway } from './storefront.ts';

/** A consumer takes a batch: a trace of its own, linked to each producer. */
export function consume(trace: TraceRecorder, visit: Visit, batch: readonly Message[]): void {
  const first = batch[0];
  if (first === undefined) return;
  const consumer = visit.shop.instance(first.topic === 'mails' ? 'notifications' : 'shipping');
  const scope = scopeOf(consumer, 'messaging');
  const attributes = {
    'messaging.system': 'kafka',
    'messaging.destination.name': first.topic,
    'messaging.consumer.group.name': consumer.service.name,
    'messaging.operation.name': 'poll',
    'messaging.operation.type': 'receive',
    'messaging.batch.message_count': batch.length,
    'server.address': 'kafka.shop.internal',
    'server.port': 9092,
  };
  const links = batch.map(linkTo);
  trace.root(consumer, { name: `poll ${first.topic}`, kind: CONSUMER, scope, attributes, links }, (poll) => {
    poll.work(0.8);
    for (const message of batch) {
      const own = {
        'messaging.system': 'kafka',
        'messaging.destination.name': message.topic,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.message.id': message.id,
        'messaging.message.body.size': message.bytes,
        'messaging.kafka.offset': message.offset,
        'app.order.id': message.orderId,
        'user.id': message.userId,
      };
      const spec = {
        name: `process ${message.topic}`,
        kind: CONSUMER,
        scope,
        attributes: own,
        links: [linkTo(message)],
      };
      handled(poll, () => poll.child(spec, (process) => handle(process, visit, message)));
    }
  });
}

/** A message that fails goes back to the queue; its batch goes on. */
function handled(poll: ActiveSpan, run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    poll.event('message returned', { 'app.reason': error.message });
  }
}

function handle(span: ActiveSpan, visit: Visit, message: Message): void {
  if (message.topic === 'mails') {
    step(span, 'render template', { 'app.template': 'order-confirmation', 'app.language': 'de' }, (render) =>
      render.work(6),
    );
    step(span, 'smtp send', { 'server.address': 'smtp.example', 'server.port': 587 }, (smtp) => {
      smtp.work(90, 0.8);
      if (!smtp.random.chance(0.03)) return;
      throw new Failure('smtplib.SMTPServerDisconnected', 'Connection unexpectedly closed', 503, [
        ['send_mail', 'notifications/mail.py', 52],
        ['handle', 'notifications/consumer.py', 29],
      ]);
    });
    return;
  }
  rpc(span, visit.shop.instance('inventory'), 'shop.Inventory', 'Commit', (stock) =>
    readStock(stock, visit, 2),
  );
  http(
    span,
    visit.shop.instance('orders'),
    { method: 'PUT', route: '/orders/{id}/state', path: `/orders/${message.orderId}/state` },
    (orders) =>
      database(orders, {
        system: 'postgresql',
        namespace: 'orders',
        operation: 'UPDATE',
        collection: 'orders',
        text: 'UPDATE orders SET state = $1 WHERE id = $2',
        medianMs: 3,
        rows: 1,
      }),
  );
}

/** The list of orders asks for the items of each: one query too many per line. */
export function orderHistory(trace: TraceRecorder, visit: Visit): void {
  page(trace, visit, 'order history', '/account/orders', (span) => {
    viaGateway(
      span,
      visit,
      'orders',
      { method: 'GET', route: '/orders', path: '/orders', query: 'page=1' },
      (orders) => {
        const count = orders.random.between(5, 60);
        const select = (collection: string, text: string, rows: number) =>
          database(orders, {
            system: 'postgresql',
            namespace: 'orders',
            operation: 'SELECT',
            collection,
            text,
            medianMs: 1.6,
            rows,
          });
        select('orders', 'SELECT * FROM orders WHERE user_id = $1 ORDER BY created_at DESC', count);
        for (let order = 0; order < count; order++) {
          select('order_items', 'SELECT * FROM order_items WHERE order_id = $1', orders.random.between(1, 5));
        }
        orders.set({ 'app.orders.count': count });
      },
    );
  });
}

const WAREHOUSES = 400;

/** One span per warehouse, and more events than the SDK keeps: the wide trace. */
export function stockReport(trace: TraceRecorder, visit: Visit): void {
  const reports = visit.shop.instance('reports');
  const attributes = {
    'app.job.name': 'stock-report',
    'app.job.scheduled': true,
    'app.job.options': {
      type: 'kvlist',
      value: [
        { key: 'format', value: { type: 'string', value: 'csv' } },
        { key: 'warehouses', value: { type: 'int', value: BigInt(WAREHOUSES) } },
        { key: 'threshold', value: { type: 'double', value: 0.15 } },
      ],
    },
  } as const;
  trace.root(
    reports,
    { name: 'stock report', kind: INTERNAL, scope: scopeOf(reports, 'app'), attributes },
    (job) => {
      for (let warehouse = 0; warehouse < WAREHOUSES; warehouse++) {
        database(job, {
          system: 'postgresql',
          namespace: 'stock',
          operation: 'SELECT',
          collection: 'levels',
          text: 'SELECT sku, on_hand FROM levels WHERE warehouse = $1',
          medianMs: visit.trouble === 'slow-stock' ? 60 : 2.4,
          rows: job.random.between(20, 900),
        });
        if (warehouse < 128) job.event('warehouse done', { 'app.warehouse': warehouse });
      }
      job.drop({ events: WAREHOUSES - 128 });
    },
  );
}
