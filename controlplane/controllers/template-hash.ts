/** Hashes that name a pod template's version. Pure. Kubernetes hashes Go's print of the struct, which cannot be had
 *  here; only form and behaviour are the same: FNV-1a over the template, decimal, in letters that spell no words. */

const safeAlphabet = "bcdfghjklmnpqrstvwxz2456789";

/** Same template and collision count: same hash. */
export function templateHash(template: unknown, collisionCount: number | undefined): string {
  let bytes: Uint8Array = new TextEncoder().encode(canonicalJson(template));
  if (collisionCount !== undefined) {
    const withCount = new Uint8Array(bytes.length + 4);
    withCount.set(bytes);
    new DataView(withCount.buffer).setUint32(bytes.length, collisionCount, true);
    bytes = withCount;
  }
  return safeEncode(String(fnv1a32(bytes)));
}

export function fnv1a32(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Letters without vowels and look-alikes, as in generated names. */
export function safeEncode(text: string): string {
  let safe = "";
  for (let i = 0; i < text.length; i++) safe += safeAlphabet.charAt(text.charCodeAt(i) % safeAlphabet.length);
  return safe;
}

/** JSON with sorted keys, without what is empty: two spellings of the same object give the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(canonical(value)) ?? "null";
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const fields: [string, unknown][] = [];
  for (const [name, field] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const inner = canonical(field);
    if (inner !== undefined && inner !== null && !isEmpty(inner)) fields.push([name, inner]);
  }
  return Object.fromEntries(fields);
}

/** An empty list or map means what none means. An empty object in a union field (`emptyDir: {}`) does not. */
function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
