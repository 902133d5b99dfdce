import { systemClock } from "../../base/os/clock.ts";
import type { RestClient } from "../../client/rest.ts";
import type { KubeObject } from "../../client/types.ts";
import { findingsOf } from "../../client/why/explain.ts";
import { webhookKinds } from "../../client/why/extensions.ts";
import type { Facts } from "../../client/why/facts.ts";
import { gather } from "../../client/why/gather.ts";
import { survey } from "../../client/why/survey.ts";
import { sentenceOf } from "../../client/why/text.ts";
import { readClusterState } from "../up/cluster-state.ts";
import { clusterLayout } from "../up/layout.ts";
import { storeMember } from "../up/leaders.ts";
import { readerOf } from "../why/reader.ts";
import { certificatesInFolder, certificatesOfConfig } from "./certificate-times.ts";
import type { Check } from "./check.ts";
import { type ClusterView, clusterChecks, type MemberFacts } from "./cluster-checks.ts";
import { isUnread, readClusterFacts } from "./cluster-facts.ts";
import { machineChecks } from "./machine-checks.ts";
import { readMachineFacts } from "./machine-facts.ts";
import { measureSyncs } from "./sync-speed.ts";
import { blockingWebhooks } from "./webhook-reach.ts";

export const examineMachine = async (folder: string): Promise<readonly Check[]> =>
  machineChecks(await readMachineFacts(folder, measureSyncs));

/** @param folder Of the local cluster, if the client's is it. */
export async function examineCluster(
  client: RestClient,
  folder: string,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const layout = clusterLayout(folder);
  const facts = await readClusterFacts(client, signal);
  const nowMs = systemClock.wallMs();
  const state = readClusterState(layout);
  const isLocal =
    state !== undefined && Object.values(state.plan.ports).some((port) => facts.server.endsWith(`:${port}`));
  const answers = !isUnread(facts.version);
  const found = answers
    ? await gather(readerOf(client), (known) => survey(undefined, known), { nowMs, signal, isWide: true })
    : undefined;
  const view: ClusterView = {
    ...facts,
    kubeconfigTimes: [
      ...certificatesOfConfig(client.config),
      ...(isLocal ? certificatesInFolder(layout.pki) : []),
    ],
    isSingle: isLocal && state.plan.replicas === 1,
    members: isLocal ? await membersOf(state) : undefined,
    webhooks: answers
      ? (await gather(readerOf(client), webhooksSeen, { nowMs, signal, isWide: true })).result
      : undefined,
    causes: found?.result.length,
    nowMs,
  };
  return clusterChecks(view);
}

function webhooksSeen(facts: Facts): NonNullable<ClusterView["webhooks"]> {
  const failing: string[] = [];
  const blocking: string[] = [];
  for (const resource of webhookKinds) {
    const all = facts.list(resource) ?? [];
    blocking.push(...blockingWebhooks(all));
    for (const one of all)
      for (const found of findingsOf(resource, one as unknown as KubeObject, facts))
        if (found.severity === "error") failing.push(sentenceOf(found));
  }
  return { failing, blocking };
}

function membersOf(state: NonNullable<ReturnType<typeof readClusterState>>): Promise<readonly MemberFacts[]> {
  return Promise.all(
    Array.from({ length: state.plan.replicas }, async (_, at) => ({
      name: state.plan.replicas === 1 ? "server-1" : `store-${at + 1}`,
      figures: await storeMember(state, at + 1),
    })),
  );
}
