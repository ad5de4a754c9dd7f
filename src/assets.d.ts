/** Files imported `with { type: 'text' }` (their content) or `with { type: 'file' }` (a path that Bun.file reads). */
declare module '*.css' {
  const content: string;
  export default content;
}
declare module '*.proto' {
  const content: string;
  export default content;
}
declare module '*.sql' {
  const content: string;
  export default content;
}
declare module '*.svg' {
  const content: string;
  export default content;
}
declare module '*.wasm' {
  const path: string;
  export default path;
}
