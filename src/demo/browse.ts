/** Looking around: home page, product page, search, category tree. Mostly quick, sometimes not. */
import { double } from './attributes.ts';
import { cacheGet, cacheSet, database, rpc, step } from './calls.ts';
import type { HttpRequest } from './calls.ts';
import { Failure } from './failure.ts';
import { INTERNAL } from './recorder.ts';
import type { ActiveSpan, TraceRecorder } from './recorder.ts';
import { scopeOf } from './services.ts';
import { someProduct } from './shop.ts';
import type { Product, Visit } from './shop.ts';
import { page, viaGateway } from './storefront.ts';

export function homePage(trace: TraceRecorder, visit: Visit): void {
  page(trace, visit, 'home', '/', (span) => {
    span.together([
      () =>
        viaGateway(
          span,
          visit,
          'catalog',
          { method: 'GET', route: '/featured', path: '/featured' },
          (catalog) => {
            if (!cacheGet(catalog, 'featured:v3', 0.9)) {
              findProducts(catalog, '{ featured: true }', 24, 9);
              cacheSet(catalog, 'featured:v3');
            }
            catalog.work(1.5);
          },
        ),
      () => recommend(span, visit, 'home'),
    ]);
  });
}

export function productPage(trace: TraceRecorder, visit: Visit): void {
  const product = someProduct(trace.random);
  page(trace, visit, 'product', `/products/${product.id}`, (span) => {
    const request: HttpRequest = {
      method: 'GET',
      route: '/products/{id}',
      path: `/products/${product.id}`,
      attributes: { 'app.product.id': product.id, 'app.product.name': product.name },
    };
    viaGateway(span, visit, 'catalog', request, (catalog) => describeProduct(catalog, visit, product));
    if (span.random.chance(0.6)) {
      span.background(
        { name: 'prefetch', kind: INTERNAL, scope: scopeOf(span.instance, 'app') },
        (prefetch) => recommend(prefetch, visit, product.id),
      );
    }
  });
}

function describeProduct(catalog: ActiveSpan, visit: Visit, product: Product): void {
  catalog.work(0.8);
  if (catalog.random.chance(0.02)) {
    throw new Failure('com.example.shop.ProductNotFound', `no product ${product.id}`, 404, [
      ['com.example.shop.catalog.ProductService.get', 'ProductService.java', 57],
      ['com.example.shop.catalog.ProductController.show', 'ProductController.java', 33],
    ]);
  }
  if (!cacheGet(catalog, `product:${product.id}`, 0.75)) {
    findProducts(catalog, `{ _id: "${product.id}" }`, 1, 3);
    cacheSet(catalog, `product:${product.id}`);
  }
  rpc(catalog, visit.shop.instance('inventory'), 'shop.Inventory', 'GetStock', (inventory) => {
    readStock(inventory, visit, 1);
  });
  step(catalog, 'price', { 'app.price.net': double(product.price), 'app.price.currency': 'EUR' }, (price) =>
    price.work(0.3),
  );
}

export function readStock(inventory: ActiveSpan, visit: Visit, rows: number): void {
  database(inventory, {
    system: 'postgresql',
    namespace: 'stock',
    operation: 'SELECT',
    collection: 'levels',
    text: 'SELECT sku, warehouse, on_hand - reserved AS free FROM levels WHERE sku = ANY($1)',
    medianMs: visit.trouble === 'slow-stock' ? 480 : 2.2,
    rows,
  });
}

function findProducts(span: ActiveSpan, filter: string, rows: number, medianMs: number): void {
  database(span, {
    system: 'mongodb',
    namespace: 'catalog',
    operation: 'find',
    collection: 'products',
    text: `{ "find": "products", "filter": ${filter} }`,
    medianMs,
    rows,
  });
}

/** A model that sometimes is not there; the page does without it. */
function recommend(span: ActiveSpan, visit: Visit, context: string): void {
  const request: HttpRequest = {
    method: 'GET',
    route: '/recommendations',
    path: '/recommendations',
    query: `context=${context}&n=8`,
  };
  try {
    viaGateway(span, visit, 'recommendations', request, (server) => {
      step(server, 'load features', { 'app.features': ['views_7d', 'orders_90d', 'price_band'] }, (load) => {
        load.work(4);
        cacheGet(load, `features:${visit.userId}`, 0.8);
      });
      step(server, 'rank', { 'app.model.name': 'two-tower-v5', 'app.candidates': 400 }, (rank) => {
        rank.work(14, 0.7);
        if (rank.random.chance(0.012)) {
          throw new Failure('TimeoutError', 'no answer from the ranking model after 800 ms', 504, [
            ['rank', 'recommendations/rank.py', 88],
            ['recommend', 'recommendations/api.py', 41],
          ]);
        }
        rank.set({ 'app.score.top': 0.5 + rank.random.unit() / 2 });
      });
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    span.event('fallback', { 'app.fallback': 'bestsellers', 'app.reason': error.message });
  }
}

const WORDS = [
  'desk',
  'lamp oak',
  'blanket',
  'chair "garden"',
  'café',
  'clock',
  'gift < 20€',
  'Regal',
] as const;

/** Sorting by popularity misses an index: the slow corner that a look at the attributes finds. */
export function searchPage(trace: TraceRecorder, visit: Visit): void {
  const words = trace.random.pick(WORDS);
  const sort = trace.random.pick(['relevance', 'relevance', 'price', 'popularity']);
  const path = `/search?q=${encodeURIComponent(words)}&sort=${sort}`;
  page(trace, visit, 'search', path, (span) => {
    const request: HttpRequest = {
      method: 'GET',
      route: '/search',
      path: '/search',
      query: path.slice('/search?'.length),
      attributes: { 'app.search.text': words, 'app.search.sort': sort },
    };
    viaGateway(span, visit, 'search', request, (search) => {
      step(search, 'parse query', { 'app.search.terms': words.split(' ') }, (parse) => parse.work(0.2));
      database(search, {
        system: 'elasticsearch',
        namespace: 'products',
        operation: 'search',
        collection: 'products-v12',
        text: `{"query":{"match":{"title":"?"}},"sort":"${sort}"}`,
        medianMs: sort === 'popularity' ? 900 : 18,
        rows: search.random.between(0, 60),
      });
      search.work(1);
    });
  });
}

/** A tree of categories resolved level by level: the deep trace. */
export function categoryPage(trace: TraceRecorder, visit: Visit): void {
  page(trace, visit, 'category', '/c/living/textiles', (span) => {
    const request: HttpRequest = { method: 'GET', route: '/categories/{slug}', path: '/categories/textiles' };
    viaGateway(span, visit, 'catalog', request, (catalog) =>
      resolveLevel(catalog, 1, trace.random.between(24, 30)),
    );
  });
}

function resolveLevel(span: ActiveSpan, level: number, levels: number): void {
  step(span, 'resolve category', { 'app.category.level': level }, (own) => {
    own.work(0.15);
    if (level % 5 === 0) findProducts(own, '{ parent: "?" }', 1, 1.2);
    if (level < levels) resolveLevel(own, level + 1, levels);
  });
}
