import type { Clock } from "../../../base/os/clock.ts";
import { whole } from "../pod-bridge.ts";

export interface LentAddressesParts {
  readonly clock: Clock;
  readonly link: string;
  /** Runs `ip` commands, one a line, all or none from the first that fails. */
  readonly ip: (lines: readonly string[]) => Promise<unknown>;
}

/** Addresses that a link has for a time: the kernel takes back what is not renewed, whatever became of this process. Those who
 *  renew at the same time share a command. */
export class LentAddresses {
  readonly #parts: LentAddressesParts;
  #waiting: { readonly address: string; readonly untilMs: number }[] = [];
  /** The command that runs, and the next one. */
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(parts: LentAddressesParts) {
    this.#parts = parts;
  }

  /** Resolves once the link has the address until then, to the next whole second. */
  hold(address: string, untilMs: number): Promise<void> {
    this.#waiting.push({ address, untilMs });
    this.#next ??= this.#running.then(async () => {
      const { clock, link } = this.#parts;
      const batch = this.#waiting.splice(0);
      this.#next = undefined;
      const nowMs = clock.monotonicMs();
      const lines = batch.flatMap((one) => {
        const seconds = Math.ceil((one.untilMs - nowMs) / 1000);
        // Too late: somebody else may have it.
        if (seconds < 1) return [];
        return [
          `addr replace ${whole(one.address)} dev ${link} valid_lft ${seconds} ${howLong(one.address, seconds)}`,
        ];
      });
      if (lines.length > 0) await this.#run(lines);
    });
    return this.#next;
  }

  /** The link has it no more. */
  async drop(address: string): Promise<void> {
    this.#waiting = this.#waiting.filter((one) => one.address !== address);
    try {
      await this.#run([`addr del ${whole(address)} dev ${this.#parts.link}`]);
    } catch (error) {
      // Its time was over: that is what was wanted.
      if (!(error instanceof Error && /Cannot assign requested address/.test(error.message))) throw error;
    }
  }

  #run(lines: readonly string[]): Promise<unknown> {
    const done = this.#running.then(() => this.#parts.ip(lines));
    this.#running = done.catch(() => undefined); // whoever asked hears of it
    return done;
  }
}

/** What connects to others from this node is not to do so from a load balancer's address of IPv6, and the Lease says that nobody
 *  else has it. */
const howLong = (address: string, seconds: number): string =>
  address.includes(":") ? "preferred_lft 0 nodad" : `preferred_lft ${seconds}`;
