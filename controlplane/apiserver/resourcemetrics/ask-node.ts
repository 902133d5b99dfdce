import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../../../base/os/clock.ts";
import type { KubeObject } from "../../../client/types.ts";
import { isAllowedAddress } from "../reach/allowed-address.ts";
import { bodyText } from "../reach/body-text.ts";
import { agentAddress } from "../reach/node-address.ts";
import type { NodeLink } from "../reach/node-link.ts";
import type { ClusterFacts } from "../registry/kind.ts";
import { type NodeUsage, readSummary } from "./read-summary.ts";

/** An agent that begins to measure only now takes a second for it. */
const answerTimeoutMs = 5_000;
const answerBytesMax = 2 * 1024 * 1024;
const path = "/stats/summary?only_cpu_and_memory=true";

export interface AskNodeDeps {
  readonly nodes: NodeLink;
  readonly clock: Clock;
  readonly facts: ClusterFacts;
}

/** What the node's agent says of it, within bounds of time and size. Fails with an Error that says what stood in the way. */
export async function askNode(node: KubeObject, { nodes, clock, facts }: AskNodeDeps): Promise<NodeUsage> {
  const address = agentAddress(node);
  if (address === undefined) throw new Error("it has no address");
  if (!isAllowedAddress(address.host, facts)) throw new Error(`address ${address.host} not allowed`);
  const limit = new AbortController();
  const cancel = clock.after(answerTimeoutMs, () => limit.abort());
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      httpsRequest({ ...address, path, agent: nodes.agent, signal: limit.signal })
        .once("response", resolve)
        .once("error", reject)
        .end();
    });
    const body = await bodyText(answer, answerBytesMax);
    if (answer.statusCode !== 200) throw new Error(`it answers ${answer.statusCode}`);
    return readSummary(body, node.metadata.name);
  } catch (error) {
    throw limit.signal.aborted ? new Error(`no answer within ${answerTimeoutMs} ms`) : error;
  } finally {
    cancel();
  }
}
