/** htmx as text; the package declares its types for the module form only. */
declare module 'htmx.org/dist/htmx.min.js' {
  const content: string;
  export default content;
}

/** Parts of prom-client, which declares its types for the whole alone. */
declare module 'prom-client/lib/counter.js' {
  export { Counter as default } from 'prom-client';
}
declare module 'prom-client/lib/gauge.js' {
  export { Gauge as default } from 'prom-client';
}
declare module 'prom-client/lib/histogram.js' {
  export { Histogram as default } from 'prom-client';
}
declare module 'prom-client/lib/registry.js' {
  export { Registry as default } from 'prom-client';
}

declare module 'htmx.org/dist/ext/hx-sse.min.js' {
  const text: string;
  export default text;
}
