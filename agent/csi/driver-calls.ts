import type { CallFailure } from "../../base/grpc/answer-status.ts";
import type { Os } from "../../base/os/os.ts";
import { SocketCalls } from "../socket-calls.ts";
import { ConfigError } from "../sync/environment.ts";
import { identityCalls, type NodeAbility, nodeAbilities, nodeCalls, registrationCalls } from "./messages.ts";

export const csiLimits = {
  /** As kubelets'. */
  callMs: 120_000,
  /** What a driver is asked of itself it answers at once. */
  lookMs: 10_000,
  /** No answer to a node is long. */
  answerBytesMost: 1024 * 1024,
  messageCharsMost: 1024,
} as const;

/** What a driver refused, or what became of the call to it: its pod waits, saying so. */
export class CsiError extends ConfigError {
  readonly status: CallFailure["status"];

  constructor({ status, message }: CallFailure) {
    super(`rpc error: code = ${status} desc = ${message.slice(0, csiLimits.messageCharsMost)}`);
    this.status = status;
  }
}

type Clients = Pick<Os, "clock" | "random">;

const service = (socket: string, name: string, who: string) => ({
  socket,
  service: name,
  who,
  callMs: csiLimits.callMs,
  answerBytesMost: csiLimits.answerBytesMost,
  errorOf: (failure: CallFailure) => new CsiError(failure),
});

export type Registration = SocketCalls<typeof registrationCalls, CsiError>;

export const openRegistration = (socket: string, os: Clients): Registration =>
  new SocketCalls(registrationCalls, service(socket, "pluginregistration.Registration", "the plugin"), os);

/** A driver's socket. */
export class DriverCalls {
  readonly identity: SocketCalls<typeof identityCalls, CsiError>;
  readonly node: SocketCalls<typeof nodeCalls, CsiError>;

  constructor(socket: string, os: Clients) {
    this.identity = new SocketCalls(identityCalls, service(socket, "csi.v1.Identity", "the CSI driver"), os);
    this.node = new SocketCalls(nodeCalls, service(socket, "csi.v1.Node", "the CSI driver"), os);
  }

  /** What it can; asked anew each time, since another version may have come. */
  async abilities(signal: AbortSignal): Promise<ReadonlySet<NodeAbility>> {
    const options = { timeoutMs: csiLimits.lookMs, signal };
    const { capabilities } = await this.node.ask("NodeGetCapabilities", {}, options);
    const known = capabilities.flatMap(({ rpc }) =>
      typeof rpc?.type === "string" && rpc.type in nodeAbilities ? [rpc.type] : [],
    );
    return new Set(known);
  }

  close(): void {
    this.identity.close();
    this.node.close();
  }
}
