import { type Clock, sleep } from "../../base/os/clock.ts";

const retryMs = 5_000;

/** Does one thing at the beginning, again whenever it was touched since, and some time after it could not be done whole. */
export class TouchedLoop {
  #wake: () => void = () => undefined;
  #isDirty = true;

  touch = (): void => {
    this.#isDirty = true;
    this.#wake();
  };

  /** Runs until the signal aborts. @param keep False, or rejected, which `onError` hears of: something is to be tried again. */
  async run(
    {
      clock,
      keep,
      onError,
    }: {
      readonly clock: Clock;
      readonly keep: () => Promise<boolean>;
      readonly onError: (error: unknown) => void;
    },
    signal: AbortSignal,
  ): Promise<void> {
    signal.addEventListener("abort", this.touch, { once: true });
    while (!signal.aborted) {
      if (!this.#isDirty)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      if (signal.aborted) return;
      this.#isDirty = false;
      const isDone = await keep().catch((error: unknown) => {
        signal.throwIfAborted();
        onError(error);
        return false;
      });
      if (isDone) continue;
      this.#isDirty = true;
      await sleep(clock, retryMs, signal);
    }
  }
}
