/** Cart and checkout: writes, retries, a payment provider with bad days, and the queue. */
import { readStock } from './browse.ts';
import { double } from './attributes.ts';
import { answering, cacheGet, cacheSet, database, http, publish, rpc, step } from './calls.ts';
import { Failure } from './failure.ts';
import { CLIENT, INTERNAL } from './recorder.ts';
import type { ActiveSpan, TraceRecorder } from './recorder.ts';
import { scopeOf } from './services.ts';
import { someProduct } from './shop.ts';
import type { Visit } from './shop.ts';
import { page, viaGateway } from './storefront.ts';

export function addToCart(trace: TraceRecorder, visit: Visit): void {
  const product = someProduct(trace.random);
  page(trace, visit, 'add to cart', `/products/${product.id}`, (span) => {
    const attributes = { 'app.product.id': product.id, 'app.quantity': trace.random.between(1, 3) };
    viaGateway(
      span,
      visit,
      'cart',
      { method: 'POST', route: '/cart/items', path: '/cart/items', attributes },
      (cart) => {
        cart.work(0.5);
        cacheGet(cart, `cart:${visit.userId}`, 0.85);
        rpc(cart, visit.shop.instance('inventory'), 'shop.Inventory', 'GetStock', (stock) =>
          readStock(stock, visit, 1),
        );
        cacheSet(cart, `cart:${visit.userId}`);
        cart.background(
          { name: 'write audit log', kind: INTERNAL, scope: scopeOf(cart.instance, 'app') },
          (audit) => {
            audit.work(12);
          },
        );
        // Whoever wrote this client set these to nothing: OTLP allows an empty value, and bytes too.
        cart.set({
          'app.cart.coupon': { type: 'empty' },
          'app.cart.token': { type: 'bytes', value: Uint8Array.from(Buffer.from(visit.sessionId)) },
        });
      },
    );
  });
}

export function checkout(trace: TraceRecorder, visit: Visit): void {
  const { random } = trace;
  const orderId = `o-${random.hex(4)}`;
  const items = Array.from({ length: random.between(1, 5) }, () => someProduct(random));
  const total = items.reduce((sum, item) => sum + item.price, 0);
  page(trace, visit, 'checkout', '/checkout', (span) => {
    const attributes = {
      'app.order.id': orderId,
      'app.order.items': items.map((item) => item.id),
      'app.order.total': double(Math.round(total * 100) / 100),
      'app.order.gift': random.chance(0.1),
      'feature_flag.one_click': random.chance(0.5),
    };
    viaGateway(
      span,
      visit,
      'checkout',
      { method: 'POST', route: '/checkout', path: '/checkout', attributes },
      (server) => {
        server.event('feature_flag.evaluation', {
          'feature_flag.key': 'one-click',
          'feature_flag.result.variant': 'on',
          'feature_flag.provider.name': 'flagd',
        });
        loadCart(server, visit);
        rpc(server, visit.shop.instance('inventory'), 'shop.Inventory', 'Reserve', (stock) =>
          reserve(stock, visit, items.length),
        );
        const quote = () =>
          http(
            server,
            visit.shop.instance('shipping'),
            { method: 'POST', route: '/quotes', path: '/quotes' },
            (s) => s.work(7),
          );
        server.together([quote, () => payWithRetries(server, visit, orderId, total)]);
        placeOrder(server, visit, orderId, items.length);
        server.status(1);
      },
    );
  });
}

function loadCart(span: ActiveSpan, visit: Visit): void {
  http(span, visit.shop.instance('cart'), { method: 'GET', route: '/cart', path: '/cart' }, (cart) => {
    cacheGet(cart, `cart:${visit.userId}`, 0.95);
    cart.work(0.6);
  });
}

function reserve(stock: ActiveSpan, visit: Visit, rows: number): void {
  readStock(stock, visit, rows);
  const deadlock = new Failure(
    'org.postgresql.util.PSQLException',
    'ERROR: deadlock detected\n  Detail: Process 3811 waits for ShareLock on transaction 90117; blocked by process 3790.',
    500,
    [
      ['org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse', 'QueryExecutorImpl.java', 2733],
      ['org.postgresql.jdbc.PgStatement.execute', 'PgStatement.java', 372],
      ['com.example.shop.inventory.StockRepository.reserve', 'StockRepository.java', 141],
      ['com.example.shop.inventory.InventoryGrpc.reserve', 'InventoryGrpc.java', 66],
    ],
  );
  database(stock, {
    system: 'postgresql',
    namespace: 'stock',
    operation: 'UPDATE',
    collection: 'levels',
    text: 'UPDATE levels SET reserved = reserved + $1 WHERE sku = $2 AND on_hand - reserved >= $1',
    medianMs: 4,
    ...(stock.random.chance(0.015) ? { failure: deadlock } : { rows }),
  });
}

const ATTEMPTS = 3;

/** Up to three attempts with a pause; a declined card is not tried again. */
function payWithRetries(span: ActiveSpan, visit: Visit, orderId: string, amount: number): void {
  for (let attempt = 0; ; attempt++) {
    const request = { method: 'POST', route: '/charges', path: '/charges', resendCount: attempt } as const;
    try {
      http(span, visit.shop.instance('payments'), request, (payments) =>
        charge(payments, visit, orderId, amount),
      );
      return;
    } catch (error) {
      if (!(error instanceof Failure) || error.httpStatus < 500 || attempt + 1 === ATTEMPTS) throw error;
      span.event('retry', { 'app.retry.attempt': attempt + 1, 'app.retry.reason': error.message });
      span.work(60 * 2 ** attempt, 0.2);
    }
  }
}

const PAYMENT_FRAMES = [
  ['ProviderClient.request', 'src/provider/client.ts', 88],
  ['charge', 'src/charges/charge.ts', 41],
  ['Layer.handle', 'node_modules/router/lib/layer.js', 152],
] as const;

/** The release candidate on the last instance can't round some amounts: what a look by version finds. */
function charge(payments: ActiveSpan, visit: Visit, orderId: string, amount: number): void {
  const { random } = payments;
  payments.set({ 'app.order.id': orderId, 'app.payment.amount': double(Math.round(amount * 100) / 100) });
  payments.work(1.2);
  if (payments.instance.version.includes('rc') && random.chance(0.25)) {
    throw new Failure('RangeError', 'amount has more than two decimals', 500, [
      ['toMinorUnits', 'src/charges/money.ts', 19],
      ...PAYMENT_FRAMES.slice(1),
    ]);
  }
  if (random.chance(0.03)) {
    throw new Failure('CardDeclined', 'the issuer declined the card (code 51)', 402, PAYMENT_FRAMES);
  }
  const attributes = {
    'http.request.method': 'POST',
    'url.full': 'https://api.payment.example/v2/charges',
    'server.address': 'api.payment.example',
    'server.port': 443,
    'network.protocol.version': '2',
  };
  const spec = { name: 'POST', kind: CLIENT, scope: scopeOf(payments.instance, 'http'), attributes };
  payments.child(spec, (call) => answering(call, () => askProvider(call, visit)));
  database(payments, {
    system: 'postgresql',
    namespace: 'payments',
    operation: 'INSERT',
    collection: 'charges',
    text: 'INSERT INTO charges (order_id, amount, currency, provider_ref) VALUES ($1, $2, $3, $4)',
    medianMs: 3,
    rows: 1,
  });
}

function askProvider(call: ActiveSpan, visit: Visit): void {
  const outage = visit.trouble === 'payments-outage';
  call.work(outage ? 1400 : 130, 0.55);
  if (call.random.chance(outage ? 0.6 : 0.025)) {
    throw new Failure(
      'ProviderUnavailable',
      'upstream connect error or disconnect before headers',
      503,
      PAYMENT_FRAMES,
    );
  }
}

function placeOrder(span: ActiveSpan, visit: Visit, orderId: string, items: number): void {
  const request = {
    method: 'POST',
    route: '/orders',
    path: '/orders',
    attributes: { 'app.order.id': orderId },
  } as const;
  http(span, visit.shop.instance('orders'), request, (orders) => {
    step(
      orders,
      'OrderService.place',
      { 'code.file.path': 'OrderService.java', 'code.line.number': 74 },
      (place) => {
        const insert = (collection: string, text: string) =>
          database(place, {
            system: 'postgresql',
            namespace: 'orders',
            operation: 'INSERT',
            collection,
            text,
            medianMs: 3.5,
            rows: 1,
          });
        insert('orders', 'INSERT INTO orders (id, user_id, total, state) VALUES ($1, $2, $3, $4)');
        for (let item = 0; item < items; item++) {
          insert('order_items', 'INSERT INTO order_items (order_id, sku, quantity) VALUES ($1, $2, $3)');
        }
      },
    );
    publish(orders, visit, 'orders.placed', orderId);
    publish(orders, visit, 'mails', orderId);
  });
}
