const documentMarker = /^(?:---|\.\.\.)(?=[ \t\r\n]|$)/gm;
const beforeDocument = /^\ufeff?(?:[ \t]*(?:#.*)?\r?\n|%.*\r?\n)*$/;

/** Nobody reads what follows the first document, be it YAML or not, as in Kubernetes. Takes time in proportion to that one. */
export function firstDocument(text: string): string {
  let isBegun = false;
  for (const { 0: marker, index } of text.matchAll(documentMarker)) {
    if (isBegun || !beforeDocument.test(text.slice(0, index))) return text.slice(0, index);
    isBegun = marker === "---";
  }
  return text;
}
