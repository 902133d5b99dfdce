/** How many seats were wanted over a stretch of time: the mean, how far it swung, and the most. Time is handed in. */
export class DemandMeter {
  #value = 0;
  #sinceMs: number;
  #seconds = 0;
  #sum = 0;
  #squares = 0;
  #max = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  set(value: number, nowMs: number): void {
    this.#account(nowMs);
    this.#value = value;
    this.#max = Math.max(this.#max, value);
  }

  /** What was since the last call; the next stretch begins. */
  take(nowMs: number): Demand {
    this.#account(nowMs);
    const mean = this.#seconds > 0 ? this.#sum / this.#seconds : 0;
    const variance = this.#seconds > 0 ? this.#squares / this.#seconds - mean * mean : 0;
    const demand = {
      seconds: this.#seconds,
      mean,
      deviation: Math.sqrt(Math.max(0, variance)),
      max: this.#max,
    };
    this.#seconds = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#max = this.#value;
    return demand;
  }

  #account(nowMs: number): void {
    const seconds = Math.max(0, nowMs - this.#sinceMs) / 1000;
    this.#sinceMs = Math.max(nowMs, this.#sinceMs);
    this.#seconds += seconds;
    this.#sum += this.#value * seconds;
    this.#squares += this.#value * this.#value * seconds;
  }
}

export interface Demand {
  readonly seconds: number;
  readonly mean: number;
  readonly deviation: number;
  readonly max: number;
}

/** With which the memory of demand fades: by half in five minutes of ten seconds each. */
const smoothing = 0.977;

/** Falls slowly, rises at once. */
export function smoothedDemand(before: number, { seconds, mean, deviation }: Demand): number {
  if (seconds <= 0) return before;
  const envelope = mean + deviation;
  return Math.max(envelope, smoothing * before + (1 - smoothing) * envelope);
}
