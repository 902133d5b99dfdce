import { sleep } from "../../base/os/clock.ts";
import type { Os, Running } from "../../base/os/os.ts";
import { createSelfSigned } from "../../base/os/pki.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import { EventRecorder } from "../../client/events.ts";
import type { InformerFactory } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import { answersIngresses, frontOf } from "../../client/rules/ingress-class.ts";
import type { Node, Secret } from "../../client/types.ts";
import type { NodeView } from "../network/service-endpoints.ts";
import { FollowedKind } from "../sync/followed-kind.ts";
import { BackendEndpoints } from "./backend-endpoints.ts";
import type { Change } from "./data-plane.ts";
import { startGateways } from "./gateways/start-gateways.ts";
import { IngressControl } from "./ingress-control.ts";
import { NodeFront } from "./node-front.ts";
import { ProblemEvents } from "./problem-events.ts";
import type { FrontPorts } from "./serving.ts";
import { ThreadServing } from "./thread-serving.ts";

export interface IngressConfig {
  readonly nodeName: string;
  readonly ports: FrontPorts;
  /** Pods are processes at loopback addresses of this machine. */
  readonly loopbackPods: boolean;
}

/** Changes arriving within this time are carried out together. */
const gatherMs = 20;
/** How long the first certificates may take to come before the node answers without them. */
const firstCertificatesMs = 10_000;
const fallbackDays = 3650;

/** Has the node answer for Ingresses and Gateways of our classes. */
export async function startIngress(
  config: IngressConfig,
  {
    os,
    client,
    informers,
  }: { readonly os: Os; readonly client: ApiClient; readonly informers: InformerFactory },
): Promise<Running> {
  const log = os.log.child("ingress");
  const { clock, random } = os;
  const tasks = new TaskScope(log);
  const nodes = informers.informer(resources.nodes);
  const classes = informers.informer(resources.ingressclasses);
  const services = informers.informer(resources.services);
  const slices = informers.informer(resources.endpointslices);
  const ingresses = informers.informer(resources.ingresses);
  const own = await createSelfSigned({
    organization: "Pintle",
    hosts: ["ingress.invalid"],
    usage: "server",
    validDays: fallbackDays,
  });
  const fallback = { certificatePem: own.certificatePem, keyPem: own.privateKeyPem };
  const onBroken = () => {
    front.broken();
    gateways.fronts.broken();
  };
  const serving = new ThreadServing(fallback, { log, clock, onBroken });
  const recorder = (component: string) =>
    new EventRecorder({ component, host: config.nodeName }, { client, clock, random, log });
  const events = recorder("pintle-ingress");
  tasks.run("events", (signal) => events.run(signal));

  /** The first by name of those that answer. */
  const isSpeaker = () => {
    const answering = nodes
      .list()
      .filter((node) => frontOf(node) !== undefined && answersIngresses(node) && isReady(node));
    return answering.every(({ metadata }) => metadata.name >= config.nodeName);
  };
  const problems = new ProblemEvents(events, isSpeaker);
  const zoneOf = () => nodes.getByKey(config.nodeName)?.metadata.labels?.["topology.kubernetes.io/zone"];
  const view = (): NodeView => ({
    nodeName: config.nodeName,
    zone: zoneOf(),
    loopbackPods: config.loopbackPods,
  });

  let isDirty = false;
  let wake: () => void = () => undefined;
  const touch = () => {
    isDirty = true;
    wake();
  };
  const secrets = new FollowedKind<Secret>(
    resources.secrets,
    { client, clock, random, log },
    {
      tasks,
      onChange: (owner) => {
        control.secretChanged(owner);
        gateways.control.secretChanged(owner);
      },
      tellsFirst: true,
    },
  );
  const apply = (change: Change) => serving.apply(change);
  const backends = new BackendEndpoints({ services, slices, view, apply, wake: touch });
  const control = new IngressControl({
    ingresses,
    classes,
    backends,
    secrets,
    nowMs: () => clock.wallMs(),
    apply,
    wake: touch,
    report: (ingress, said) => problems.report(ingress, said),
  });
  const gateways = startGateways(
    { nodeName: config.nodeName },
    { os, client, informers, tasks, events, serving, backends, secrets, wake: touch },
  );
  const carryOut = () => {
    control.carryOut(backends.carryOut());
    gateways.control.carryOut();
    gateways.fronts.touch();
  };
  /** Tells all that is known, with certificates that are being read, before the first request comes. */
  const prepare = async (signal: AbortSignal) => {
    const untilMs = clock.monotonicMs() + firstCertificatesMs;
    carryOut();
    while (!control.isComplete && clock.monotonicMs() < untilMs) {
      await sleep(clock, gatherMs, signal);
      carryOut();
    }
  };
  const front = new NodeFront({
    prepare,
    nodeName: config.nodeName,
    ports: config.ports,
    serving,
    nodes,
    classes,
    client,
    events,
    clock,
    log,
  });

  tasks.run("ingresses", async (signal) => {
    await Promise.all(
      [nodes, classes, services, slices, ingresses].map((informer) => informer.synced(signal)),
    );
    backends.follow();
    control.follow();
    gateways.run();
    let zone = zoneOf();
    const off = nodes.subscribe({
      onUpdate: () => {
        if (zoneOf() !== zone) backends.viewChanged();
        zone = zoneOf();
        problems.speakerChanged();
      },
      onDelete: () => problems.speakerChanged(),
    });
    signal.addEventListener("abort", () => wake(), { once: true });
    tasks.run("ports", (until) => front.run(until));
    try {
      while (!signal.aborted) {
        isDirty = false;
        carryOut();
        if (!isDirty)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        if (!signal.aborted) await sleep(clock, gatherMs, signal);
      }
    } finally {
      off();
      control.stop();
      gateways.control.stop();
      backends.stop();
    }
  });

  return {
    done: tasks.untilStopped(),
    async stop() {
      await tasks.stop();
      await serving.stop();
    },
  };
}

const isReady = ({ status }: Node) =>
  status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
