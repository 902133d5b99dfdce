import { deferred } from "../../base/deferred.ts";
import type { CommitResult, Storage } from "./registry/storage.ts";

export interface HeldWrite {
  /** Resolves once there is one. */
  readonly reached: Promise<void>;
  readonly letGo: () => void;
  /** What became of it. */
  readonly outcome: Promise<CommitResult>;
}

type Commit = () => Promise<CommitResult>;

/** A storage on which one write can be held up, as by a slow network, right before it is done. For tests. */
export class LateWrites {
  readonly storage: Storage;
  #held: { readonly prefix: string; readonly meet: (commit: Commit) => Promise<CommitResult> } | undefined;

  constructor(inner: Storage) {
    const commit: Storage["commit"] = (transaction) => {
      const held = this.#held;
      const isHeld = held !== undefined && transaction.writes.some(({ key }) => key.startsWith(held.prefix));
      if (!isHeld) return inner.commit(transaction);
      this.#held = undefined;
      return held.meet(() => inner.commit(transaction));
    };
    this.storage = new Proxy(inner, {
      get: (target, name) => {
        if (name === "commit") return commit;
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** Holds up the next write of a key with this prefix until it is let go. */
  hold(prefix: string): HeldWrite {
    const reached = deferred<void>();
    const letGo = deferred<void>();
    const outcome = deferred<CommitResult>();
    const meet = (commit: Commit) => {
      reached.resolve();
      letGo.promise.then(commit).then(outcome.resolve, outcome.reject);
      return outcome.promise;
    };
    this.#held = { prefix, meet };
    return { reached: reached.promise, letGo: letGo.resolve, outcome: outcome.promise };
  }
}
