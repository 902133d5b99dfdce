import { describeError, type Log } from "../../../base/os/log.ts";
import type { Random } from "../../../base/os/random.ts";
import { type Found, findNodes } from "../cycle/filter-nodes.ts";
import { count } from "../cycle/fit-error.ts";
import { noMeasure } from "../cycle/measure.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { BindOutcome, Rescue } from "../cycle/plugin.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import type { Profile } from "../cycle/profile.ts";
import { type CycleOptions, type Decision, rescue } from "../cycle/schedule.ts";
import { highest, scoreNodes } from "../cycle/score-nodes.ts";
import type { Snapshot } from "../cycle/snapshot.ts";
import { bestCandidate } from "../preemption/best-candidate.ts";
import { Extender, type ExtenderSpec } from "./extender.ts";
import {
  candidatesKept,
  failedNodes,
  fieldOf,
  nodesKept,
  nodesMessage,
  textOf,
  victimsMessage,
} from "./messages.ts";

/** In refusals, the name of all extenders: any event may help a pod that they refused. */
export const extenderName = "Extender";

export interface Tools {
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Programs elsewhere that have a say in scheduling. While they are asked, the cluster may change: what is decided in the end
 *  is checked once more. */
export class Extenders {
  readonly #all: readonly Extender[];

  constructor(specs: readonly ExtenderSpec[]) {
    this.#all = specs.map((spec) => new Extender(spec));
  }

  /** The cycle of a pod that one of them wants to be asked about. */
  interestedIn(pod: PodInfo): ExtendedCycle | undefined {
    const asked = this.#all.filter((one) => isInterested(one.spec, pod) && asksInCycle(one.spec));
    return asked.length === 0 ? undefined : new ExtendedCycle(asked);
  }

  /** Lets an extender bind the pod; undefined when none wants to. */
  async bind({ pod, ...info }: PodInfo, node: string, signal: AbortSignal): Promise<BindOutcome | undefined> {
    const binder = this.#all.find(({ spec }) => spec.bindVerb && isInterested(spec, { pod, ...info }));
    const verb = binder?.spec.bindVerb;
    if (binder === undefined || verb === undefined) return undefined;
    const { name, namespace, uid } = pod.metadata;
    try {
      const message = { PodName: name, PodNamespace: namespace, PodUID: uid, Node: node };
      const problem = textOf(await binder.send(verb, message, signal), "Error");
      return problem === "" ? { outcome: "bound" } : { outcome: "failed", error: new Error(problem) };
    } catch (error) {
      const why = `running extender bind: ${describeError(error)}`;
      return { outcome: "failed", error: new Error(why, { cause: error }) };
    }
  }

  close(): void {
    for (const extender of this.#all) extender.close();
  }
}

const asksInCycle = ({ filterVerb, prioritizeVerb, preemptVerb }: ExtenderSpec): boolean =>
  Boolean(filterVerb || prioritizeVerb || preemptVerb);

function isInterested({ managedResources = [] }: ExtenderSpec, { pod }: PodInfo): boolean {
  if (managedResources.length === 0) return true;
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(({ resources }) =>
    managedResources.some(
      ({ name }) => resources?.requests?.[name] !== undefined || resources?.limits?.[name] !== undefined,
    ),
  );
}

/** One cycle with the extenders that are interested in its pod. */
export class ExtendedCycle {
  readonly #asked: readonly Extender[];

  constructor(asked: readonly Extender[]) {
    this.#asked = asked;
  }

  async schedule(
    pod: PodInfo,
    snapshot: Snapshot,
    profile: Profile,
    { startAt, measure = noMeasure }: CycleOptions,
    tools: Tools,
  ): Promise<Decision> {
    const { percentageOfNodesToScore } = profile;
    const own = findNodes(pod, snapshot, profile, { percentageOfNodesToScore, startAt, measure });
    const { examined, fault } = own;
    if (fault !== undefined) return { outcome: "error", examined, error: new Error(fault) };
    try {
      const found = own.feasible.length === 0 ? own : await this.#filter(pod, own, tools);
      if (found.feasible.length === 0) {
        const failed = rescue(pod, snapshot, profile, found, { measure, random: tools.random });
        return { ...failed, rescue: await this.#narrowed(pod, failed.rescue, tools), isStale: true };
      }
      const totals = scoreNodes(pod, snapshot, found.feasible, profile, measure);
      await this.#prioritize(pod, found.feasible, totals, tools);
      const node = found.feasible[highest(totals, tools.random)] as NodeInfo;
      const now = snapshot.node(node.name);
      if (now === undefined || found.filters.judge(now) !== undefined) return { outcome: "stale", examined };
      return { outcome: "placed", node: node.name, feasible: found.feasible.length, examined };
    } catch (error) {
      return { outcome: "error", examined, error: new Error(describeError(error), { cause: error }) };
    }
  }

  async #filter(pod: PodInfo, own: Found, { log, signal }: Tools): Promise<Found> {
    let feasible = own.feasible;
    const reasons = new Map(own.error.reasons);
    const refusals = own.refusals.copy();
    const potential = [...own.potential];
    for (const extender of this.#asked) {
      const { filterVerb, nodeCacheCapable = false, urlPrefix, ignorable } = extender.spec;
      if (!filterVerb || feasible.length === 0) continue;
      try {
        const answer = await extender.send(
          filterVerb,
          nodesMessage(pod.pod, feasible, nodeCacheCapable),
          signal,
        );
        const problem = textOf(answer, "Error");
        if (problem !== "") throw new Error(problem);
        const kept = nodesKept(answer, feasible, { url: urlPrefix, namesOnly: nodeCacheCapable });
        const lasting = failedNodes(answer, "FailedAndUnresolvableNodes");
        const refused = new Map([...failedNodes(answer, "FailedNodes"), ...lasting]);
        for (const node of feasible) {
          const reason = refused.get(node.name);
          if (kept.includes(node) || reason === undefined) continue;
          count(reasons, reason);
          refusals.add(node.name, {
            reasons: [reason],
            lasting: lasting.has(node.name),
            plugin: extenderName,
          });
          if (!lasting.has(node.name)) potential.push(node);
        }
        feasible = kept;
      } catch (error) {
        if (!ignorable) throw error;
        log.info("an extender that may be ignored failed", { extender: urlPrefix, error });
      }
    }
    const isNarrower = feasible.length !== own.feasible.length;
    const plugins = isNarrower ? new Set([...own.error.plugins, extenderName]) : own.error.plugins;
    return { ...own, feasible, refusals, potential, error: { ...own.error, reasons, plugins } };
  }

  /** Adds what extenders think of the nodes, 0 to 10 each. Those that fail are not heard. */
  async #prioritize(
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    totals: number[],
    { log, signal }: Tools,
  ): Promise<void> {
    await Promise.all(
      this.#asked.map(async (extender) => {
        const { prioritizeVerb, nodeCacheCapable = false, weight = 0, urlPrefix } = extender.spec;
        if (!prioritizeVerb) return;
        try {
          const message = nodesMessage(pod.pod, nodes, nodeCacheCapable);
          const answer = await extender.send(prioritizeVerb, message, signal);
          const scores = new Map(
            (Array.isArray(answer) ? answer : []).map((one: unknown) => [
              textOf(one, "Host"),
              Number(fieldOf(one, "Score") ?? 0),
            ]),
          );
          for (const [at, { name }] of nodes.entries())
            totals[at] = (totals[at] ?? 0) + (scores.get(name) ?? 0) * weight * 10;
        } catch (error) {
          log.info("an extender gave no scores", { extender: urlPrefix, error });
        }
      }),
    );
  }

  /** Whom extenders would rather not have preempted is left alone. */
  async #narrowed(
    pod: PodInfo,
    given: Rescue | undefined,
    { log, signal }: Tools,
  ): Promise<Rescue | undefined> {
    if (given?.outcome !== "nominated" || given.candidates === undefined) return given;
    let candidates = given.candidates;
    for (const extender of this.#asked) {
      const { preemptVerb, nodeCacheCapable = false, ignorable, urlPrefix } = extender.spec;
      if (!preemptVerb || candidates.length === 0) continue;
      try {
        const message = victimsMessage(pod.pod, candidates, nodeCacheCapable);
        const kept = candidatesKept(await extender.send(preemptVerb, message, signal), candidates);
        const empty = kept.find(({ victims }) => victims.length === 0);
        if (empty !== undefined && !ignorable)
          throw new Error(`expected at least one victim pod on node ${JSON.stringify(empty.node)}`);
        candidates = kept.filter(({ victims }) => victims.length > 0);
      } catch (error) {
        if (!ignorable) throw error;
        log.info("an extender that may be ignored failed", { extender: urlPrefix, error });
      }
    }
    const best = bestCandidate(candidates);
    return best === undefined
      ? {
          outcome: "none",
          message: "preemption: no candidate node for preemption",
          keepsNomination: true,
        }
      : { outcome: "nominated", node: best.node, victims: best.victims };
  }
}
