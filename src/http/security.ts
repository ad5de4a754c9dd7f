/** Headers of every answer, errors too. The pages need no inline script or style and no other host. */
const HEADERS: readonly (readonly [string, string])[] = [
  [
    'content-security-policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  ],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'same-origin'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
];

/** Headers of an answer that is given again and again: making one from them costs a quarter of setting each. */
export function securedHeaders(own: Readonly<Record<string, string>>): Headers {
  return new Headers([
    ...HEADERS.map(([name, value]): [string, string] => [name, value]),
    ...Object.entries(own),
  ]);
}

export function secured(response: Response): Response {
  for (const [name, value] of HEADERS) response.headers.set(name, value);
  return response;
}
