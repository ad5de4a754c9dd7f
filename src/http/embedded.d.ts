/** htmx as text; the package declares its types for the module form only. */
declare module 'htmx.org/dist/htmx.min.js' {
  const content: string;
  export default content;
}
