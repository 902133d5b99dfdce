import type { RateLimits } from "./route.ts";

/** Clients that are remembered, over all routes; who was seen first is forgotten first. */
const clientsMost = 50_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** How often each client asks for what is limited. Requests that are refused do not count. Pure but for what it keeps. */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();

  get remembered(): number {
    return this.#buckets.size;
  }

  /** Whether a client may ask once more. */
  admits(client: string, { owner, requests }: RateLimits, nowMs: number): boolean {
    const buckets = requests.map(({ perSecond, atOnce }, at) => {
      const bucket = this.#bucket(`${owner} ${at} ${client}`, atOnce, nowMs);
      const gained = ((nowMs - bucket.atMs) / 1000) * perSecond;
      bucket.tokens = Math.min(atOnce, bucket.tokens + gained);
      bucket.atMs = nowMs;
      return bucket;
    });
    if (buckets.some(({ tokens }) => tokens < 1)) return false;
    for (const bucket of buckets) bucket.tokens -= 1;
    return true;
  }

  #bucket(key: string, tokens: number, nowMs: number): Bucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size >= clientsMost && oldest !== undefined) this.#buckets.delete(oldest);
    const made = { tokens, atMs: nowMs };
    this.#buckets.set(key, made);
    return made;
  }
}
