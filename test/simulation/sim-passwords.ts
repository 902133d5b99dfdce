import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Passwords } from "../../store/auth/password-thread.ts";
import { hashOf } from "./checkers/access.ts";

/** So long that users and roles may change meanwhile. */
const hashMs = 20;

/** In place of bcrypt: as slow, but the same each time. */
export function simPasswords(clock: Clock): Passwords {
  return {
    hash: async (password) => {
      await sleep(clock, hashMs);
      return hashOf(password);
    },
    matches: async (password, hash) => {
      await sleep(clock, hashMs);
      return Buffer.from(hash).toString() === hashOf(password);
    },
    stop: () => Promise.resolve(),
  };
}
