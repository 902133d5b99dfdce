import { describeError } from "../../../base/os/log.ts";
import { criLimits, type RuntimeClient } from "./cri-client.ts";

const wanted = ["RuntimeReady", "NetworkReady"] as const;
const textCharsMost = 500;

/** Why the container runtime cannot run pods now, in the kubelet's words; undefined when it can. */
export async function runtimeTrouble(client: RuntimeClient): Promise<string | undefined> {
  let conditions: readonly { type: string; status: boolean; reason: string; message: string }[];
  try {
    const { status } = await client.ask("Status", {}, { timeoutMs: criLimits.lookMs });
    conditions = status?.conditions ?? [];
  } catch (error) {
    return `container runtime is down: ${describeError(error)}`.slice(0, textCharsMost);
  }
  const troubles = wanted.flatMap((type) => {
    const found = conditions.find((one) => one.type === type);
    if (found?.status) return [];
    const { reason = "", message = "it does not say" } = found ?? {};
    const what =
      type === "NetworkReady" ? "container runtime network not ready" : "container runtime not ready";
    return [`${what}: ${type}=false reason:${reason} message:${message}`.slice(0, textCharsMost)];
  });
  return troubles.length === 0 ? undefined : troubles.join("; ");
}
