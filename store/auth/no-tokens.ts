import { StoreError } from "../errors.ts";
import type { Tokens } from "./tokens.ts";

/** An empty --auth-token: nobody gets a token, and none holds; who has a certificate asks with that. */
export const noTokens: Tokens = {
  prefix: () => "",
  authenticated: () => undefined,
  issue: () => {
    throw new StoreError("AUTH_FAILED");
  },
  owner: async () => undefined,
  enable: () => undefined,
  disable: () => undefined,
  forget: () => undefined,
};
