import type { Duplex } from "node:stream";
import type { HookAnswer, HookQuestion } from "../webhooks/hook-client.ts";

/** What is in the same process as the API server, and reached without a connection of the network. */
export interface Within {
  /** A connection to the node agent that would listen there; undefined: it is elsewhere. */
  readonly node?: (host: string, port: number) => Duplex | undefined;
  /** Whoever answers for a webhook with that URL, without its query (`https://webhook-service.system.svc:443/validate` for one
   *  behind a Service); undefined: it is elsewhere. */
  readonly hook?: (url: string) => ((question: HookQuestion) => Promise<HookAnswer>) | undefined;
}
