const documentMarker = /^(?:---|\.\.\.)(?=[ \t\r\n]|$)/gm;
const beforeDocument = /^\ufeff?(?:[ \t]*(?:#.*)?\r?\n|%.*\r?\n)*$/;

/** Nobody reads what follows the first document, be it YAML or not, as in Kubernetes. Takes time in proportion to that one. */
export function firstDocument(text: string): string {
  let isBegun = false;
  for (const { index } of text.matchAll(documentMarker)) {
    if (isBegun || !beforeDocument.test(text.slice(0, index))) return text.slice(0, index);
    isBegun = true;
  }
  return text;
}

/** What stands before the end of a document that has not begun, which Kubernetes' library does not take; undefined where there is
 *  none. */
export function beforeEarlyEnd(text: string): string | undefined {
  const first = text.matchAll(documentMarker).next().value;
  if (first?.[0] !== "...") return undefined;
  const before = text.slice(0, first.index);
  return beforeDocument.test(before) ? before : undefined;
}
