import type { EventInput } from "../../../client/events.ts";
import { resources } from "../../../client/resources.ts";
import { csiVolumeOf, uniqueName, volumeNamed } from "../../../client/rules/csi-volume-names.ts";
import type { Node, PersistentVolume, Pod, VolumeAttachment } from "../../../client/types.ts";
import type { WorkQueue } from "../../../client/work-queue.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { confirmAfterMs } from "../expectations.ts";
import { isNodeReady, isOutOfService } from "../node-state.ts";
import { OwnWrites } from "../own-writes.ts";
import { indexPodsByNode, podsOnNode } from "../pod-indexes.ts";
import { attachMetrics } from "./attach-metrics.ts";
import { attach, detach, exclusionText, report } from "./carry-out.ts";
import { GoneNodes } from "./gone-nodes.ts";
import {
  type AttachSources,
  differs,
  hasAttachments,
  indexVolumes,
  isInUse,
  isReported,
  type NodeOfVolume,
  observeVolume,
  volumeOfAttachment,
  volumesOfClaim,
  volumesOfDriver,
  volumesOfPod,
  volumesOnNode,
} from "./observe-volume.ts";
import { type AttachmentStep, type NodeSeen, planAttachments } from "./plan-attachments.ts";

/** Kubernetes' attach/detach controller for CSI drivers. Its keys are volumes, by the names that nodes use. */
export const attachDetachController: Controller = {
  name: "persistentvolume-attach-detach-controller",
  workers: 10,
  setUp(context, queue) {
    const { informers } = context;
    const sources: AttachSources = {
      pods: informers.informer(resources.pods),
      claims: informers.informer(resources.persistentvolumeclaims),
      volumes: informers.informer(resources.persistentvolumes),
      nodes: informers.informer(resources.nodes),
      attachments: informers.informer(resources.volumeattachments),
      drivers: informers.informer(resources.csidrivers),
      gone: new GoneNodes(),
    };
    indexVolumes(sources);
    indexPodsByNode(sources.pods);
    follow(sources, queue);
    const attacher = new Attacher(context, sources);
    return (name) => attacher.sync(name);
  },
};

function follow(sources: AttachSources, queue: WorkQueue): void {
  const { pods, claims, volumes, nodes, attachments, drivers, gone } = sources;
  const add = (names: readonly string[]) => {
    for (const name of names) queue.add(name);
  };
  const ofPod = (pod: Pod) => {
    if (pod.spec.nodeName) add(volumesOfPod(sources, pod));
  };
  pods.subscribe({ onAdd: ofPod, onUpdate: ofPod, onDelete: ofPod });
  claims.subscribe({
    onAdd: (claim) => add(volumesOfClaim(sources, claim)),
    onUpdate: (claim) => add(volumesOfClaim(sources, claim)),
  });
  const ofVolume = (volume: PersistentVolume) => {
    const csi = csiVolumeOf(volume);
    if (csi !== undefined) queue.add(uniqueName(csi));
  };
  volumes.subscribe({ onAdd: ofVolume, onUpdate: ofVolume, onDelete: ofVolume });
  const ofNode = (node: Node) => {
    add(volumesOnNode(sources, node));
    for (const pod of podsOnNode(pods, node.metadata.name)) ofPod(pod);
  };
  nodes.subscribe({
    onAdd: (node) => {
      gone.forget(node.metadata.name);
      ofNode(node);
    },
    onUpdate: (next, before) => {
      if (!differs(next, before)) return;
      ofNode(before);
      ofNode(next);
    },
    onDelete: (node) => {
      if (hasAttachments(sources, node.metadata.name)) gone.remember(node);
      ofNode(node);
    },
  });
  const ofAttachment = (attachment: VolumeAttachment) => {
    const name = volumeOfAttachment(sources, attachment);
    if (name !== undefined) queue.add(name);
  };
  attachments.subscribe({
    onAdd: ofAttachment,
    onUpdate: ofAttachment,
    onDelete: (attachment) => {
      ofAttachment(attachment);
      const { nodeName } = attachment.spec;
      if (!hasAttachments(sources, nodeName)) gone.forget(nodeName);
    },
  });
  const ofDriver = ({ metadata }: { readonly metadata: { readonly name: string } }) =>
    add(volumesOfDriver(sources, metadata.name));
  drivers.subscribe({ onAdd: ofDriver, onUpdate: ofDriver, onDelete: ofDriver });
}

class Attacher {
  readonly #context: ControllerContext;
  readonly #sources: AttachSources;
  readonly #metrics: ReturnType<typeof attachMetrics>;
  readonly #writes: OwnWrites<VolumeAttachment>;
  /** By volume: nodes that have it and do not need it, since when. */
  readonly #unneeded = new Map<string, Map<string, number>>();
  /** By volume: nodes whose pods were told that another has it. */
  readonly #told = new Map<string, ReadonlySet<string>>();

  constructor(context: ControllerContext, sources: AttachSources) {
    this.#context = context;
    this.#sources = sources;
    this.#writes = new OwnWrites(sources.attachments, context.clock);
    this.#metrics = attachMetrics(context.meter);
    this.#metrics.count({ inUse: () => countInUse(sources), total: () => countAll(sources) });
  }

  async sync(name: string): Promise<{ requeueAfterMs: number } | undefined> {
    // Of a volume that one node can have, none may be decided on what was before our own last word.
    if (!this.#writes.areShown(name)) return { requeueAfterMs: confirmAfterMs };
    const { volume, nodes } = observeVolume(this.#sources, name);
    const { clock, config } = this.#context;
    const nowMs = clock.monotonicMs();
    const steps = planAttachments({
      volume,
      nodes: this.#seen(name, nodes, nowMs),
      nowMs,
      wallNowMs: clock.wallMs(),
      forcesOnTimeout: config.forcesDetachOnTimeout,
    });
    for (const step of steps) await this.#carryOut(name, step);
    const excluded = new Set(steps.flatMap(({ step, node }) => (step === "exclude" ? [node] : [])));
    if (excluded.size > 0) this.#told.set(name, excluded);
    else this.#told.delete(name);
    const waits = steps.flatMap((step) => (step.step === "wait" ? [step.forMs] : []));
    return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
  }

  #seen(name: string, nodes: readonly NodeOfVolume[], nowMs: number): readonly NodeSeen[] {
    const before = this.#unneeded.get(name);
    const unneeded = new Map(
      nodes.flatMap((one) =>
        one.pods.length > 0 ? [] : [[one.name, before?.get(one.name) ?? nowMs] as const],
      ),
    );
    if (unneeded.size > 0) this.#unneeded.set(name, unneeded);
    else this.#unneeded.delete(name);
    return nodes.map(({ node, last, ...one }) => ({
      ...one,
      isGone: node === undefined,
      isReported: node !== undefined && isReported(node, name),
      isInUse: last === undefined || isInUse(last, name),
      isHealthy: node !== undefined && isNodeReady(node),
      isOutOfService: node !== undefined && isOutOfService(node),
      unneededSinceMs: unneeded.get(one.name),
    }));
  }

  async #carryOut(name: string, step: AttachmentStep): Promise<void> {
    const { client } = this.#context;
    const node = this.#sources.nodes.getByKey(step.node);
    switch (step.step) {
      case "attach": {
        const csi = volumeNamed(name);
        const made = csi && (await attach(client, csi, step));
        if (made !== undefined) this.#writes.wrote(name, made);
        return;
      }
      case "report": {
        if (node !== undefined) await report(client, node, { name, attached: true });
        this.#tell(name, step.pods, {
          reason: "SuccessfulAttachVolume",
          what: "AttachVolume.Attach succeeded",
        });
        return;
      }
      case "unreport":
        if (node !== undefined) await report(client, node, { name, attached: false });
        return;
      case "detach":
        await detach(client, name, { attachment: step.attachment, forcedBy: step.forcedBy });
        if (step.forcedBy !== undefined) this.#metrics.forced.inc({ reason: step.forcedBy });
        return;
      case "tell":
        this.#tell(name, step.pods, { what: "AttachVolume.Attach failed", why: `: ${step.why}` });
        return;
      case "exclude":
        if (this.#told.get(name)?.has(step.node)) return;
        for (const pod of step.pods)
          this.#tell(name, [pod], { what: "Multi-Attach error", why: exclusionText(pod, step.users) });
        return;
      case "wait":
        return;
    }
  }

  #tell(
    name: string,
    pods: readonly Pod[],
    said: { readonly what: string; readonly why?: string; readonly reason?: string },
  ): void {
    const { volume } = observeVolume(this.#sources, name);
    const { what, why = "", reason = "FailedAttachVolume" } = said;
    const type: EventInput["type"] = reason === "FailedAttachVolume" ? "Warning" : "Normal";
    const message = `${what} for volume ${JSON.stringify(volume?.metadata.name ?? name)} ${why}`;
    for (const pod of pods) this.#context.recorder.record(pod, { type, reason, message });
  }
}

const pluginOf = (name: string): string => `kubernetes.io/csi:${volumeNamed(name)?.driver ?? "N/A"}`;

function* countInUse(sources: AttachSources) {
  const counts = new Map<string, { node: string; plugin: string; count: number }>();
  for (const pod of sources.pods.list()) {
    const node = pod.spec.nodeName;
    if (!node) continue;
    for (const name of volumesOfPod(sources, pod)) {
      const plugin = pluginOf(name);
      const found = counts.get(`${node}/${plugin}`) ?? { node, plugin, count: 0 };
      found.count++;
      counts.set(`${node}/${plugin}`, found);
    }
  }
  for (const { node, plugin, count } of counts.values())
    yield [{ node, volume_plugin: plugin }, count] as const;
}

function* countAll(sources: AttachSources) {
  const states = { desired_state_of_world: new Map<string, number>(), actual_state_of_world: new Map() };
  const count = (counts: Map<string, number>, name: string) =>
    counts.set(pluginOf(name), (counts.get(pluginOf(name)) ?? 0) + 1);
  const names = sources.volumes.list().flatMap((volume) => {
    const csi = csiVolumeOf(volume);
    return csi === undefined ? [] : [uniqueName(csi)];
  });
  for (const name of new Set(names))
    for (const { pods, attachment } of observeVolume(sources, name).nodes) {
      if (pods.length > 0) count(states.desired_state_of_world, name);
      if (attachment !== undefined) count(states.actual_state_of_world, name);
    }
  for (const [state, counts] of Object.entries(states))
    for (const [plugin_name, value] of counts) yield [{ plugin_name, state }, value] as const;
}
