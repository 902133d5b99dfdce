import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";

/** As old as a figure may get while somebody asks. */
export const roundMs = 60_000;

/** Measures when somebody asks, once a minute at most and beside whoever asks: that is told what was found before. */
export class BackgroundRound<T> {
  readonly #measure: () => Promise<T>;
  readonly #deps: { readonly clock: Pick<Clock, "monotonicMs">; readonly log: Pick<Log, "warn"> };
  #known: T;
  #startedMs: number | undefined;
  #round: Promise<void> | undefined;

  /** @param nothing What is known before the first round. */
  constructor(
    nothing: T,
    measure: () => Promise<T>,
    deps: { readonly clock: Pick<Clock, "monotonicMs">; readonly log: Pick<Log, "warn"> },
  ) {
    this.#known = nothing;
    this.#measure = measure;
    this.#deps = deps;
  }

  current(): T {
    const { clock, log } = this.#deps;
    const isDue = this.#startedMs === undefined || clock.monotonicMs() - this.#startedMs >= roundMs;
    if (isDue && this.#round === undefined) {
      this.#startedMs = clock.monotonicMs();
      this.#round = this.#measure()
        .then((found) => {
          this.#known = found;
        })
        .catch((error: unknown) => log.warn("disks not measured", { error }))
        .finally(() => {
          this.#round = undefined;
        });
    }
    return this.#known;
  }

  /** Resolves once nothing is being measured. */
  async settled(): Promise<void> {
    await this.#round;
  }
}
