/** Latencies in milliseconds, in one growing array of numbers. */
export class Latencies {
  #values = new Float64Array(1 << 16);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = ms;
  }

  /** The smallest latencies that so large a share of all do not exceed, by nearest rank; 0 where there are none. */
  quantiles(shares: readonly number[]): number[] {
    const sorted = this.#values.slice(0, this.#count).sort();
    return shares.map((share) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
  }
}
