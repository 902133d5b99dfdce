import type { Endpoint } from "../../store/client/endpoints.ts";
import type { ClientTransport } from "../../store/client/transport.ts";

/** A member of the store in this process, which is called and not connected to. */
export interface NearStore {
  readonly isHere: (endpoint: Endpoint) => boolean;
  /** @param remote Carries calls to other members. */
  readonly transport: (remote: ClientTransport) => ClientTransport;
  /** Rejects when it cannot start. */
  readonly started: Promise<void>;
}
