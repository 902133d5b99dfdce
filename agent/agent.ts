import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../base/os/make-folder.ts";
import type { Os, Running } from "../base/os/os.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import { observeRelease } from "../client/build-info.ts";
import { EventRecorder } from "../client/events.ts";
import { InformerFactory } from "../client/informer.ts";
import { loadKubeconfig } from "../client/kubeconfig.ts";
import { resources } from "../client/resources.ts";
import { RestClient } from "../client/rest.ts";
import type { Pod } from "../client/types.ts";
import { cniPlaces, othersTrouble } from "./cni-choice.ts";
import { openCsi } from "./csi/start-csi.ts";
import { openDevices } from "./devices/start-devices.ts";
import { startClusterDns } from "./dns/cluster-dns.ts";
import { keepLocalStorageLimits } from "./eviction/local-storage-watch.ts";
import { diskLayout, onceKnown, openNodePressure } from "./eviction/open-pressure.ts";
import { evictionReservation } from "./eviction/pressure-flags.ts";
import { relievePressure } from "./eviction/relieve-pressure.ts";
import type { AgentConfig } from "./flags.ts";
import type { Membership } from "./identity/join.ts";
import { keepIdentity } from "./identity/keep-identity.ts";
import { ImageManager } from "./images/image-manager.ts";
import { keepImages } from "./images/keep-images.ts";
import { imagesOf } from "./images/pull.ts";
import { ImageStore } from "./images/store.ts";
import { startIngress } from "./ingress/start-ingress.ts";
import { podLogFolders } from "./logs/folders.ts";
import { dropOldestKept, keepLogs } from "./logs/keep-logs-task.ts";
import { NodeSearches } from "./logs/node-searches.ts";
import { startAnnouncer } from "./network/announcer/start-announcer.ts";
import { startNodeNetwork } from "./network/node-network.ts";
import { ownLowestPort, withOpenPorts } from "./network/open-port.ts";
import { startServiceProxy } from "./network/service-proxy.ts";
import { checkProxyMode } from "./network/service-writers.ts";
import { dnsPlaces, networkConfig } from "./network-config.ts";
import type { PodNetwork } from "./network-seam.ts";
import { openNodeAdmission } from "./node-admission.ts";
import { descriptionOf, localVolumesFolder, nodeInput } from "./node-input.ts";
import { ProbeCounts } from "./probes/probe-counts.ts";
import { Prober } from "./probes/prober.ts";
import { hostDevices } from "./remote-volumes/iscsi-sessions.ts";
import { hostMountTools } from "./remote-volumes/mount-nfs.ts";
import { RemoteVolumes } from "./remote-volumes/remote-volumes.ts";
import { checkReserved, together } from "./reserved.ts";
import {
  type Chosen,
  checkPodProcesses,
  chooseCri,
  chooseRuntime,
  podLimitsOf,
  podsGroupOf,
} from "./runtime/choose.ts";
import { CriImages } from "./runtime/cri/cri-images.ts";
import { openCriRuntime } from "./runtime/cri/open-cri.ts";
import { ociLauncher } from "./runtime/oci/launcher.ts";
import { overlayFilesystems } from "./runtime/oci/root-filesystem.ts";
import { ownLacks } from "./runtime/process/lacks.ts";
import { processLauncher } from "./runtime/process/launcher.ts";
import type { Runtime } from "./runtime/seam.ts";
import { SupervisedRuntime } from "./runtime/supervised/runtime.ts";
import { countsHugePages, podAbilitiesOf } from "./runtime-abilities.ts";
import type { ServerDeps } from "./server/callers.ts";
import { listen } from "./server/listen.ts";
import { shutDownNode } from "./shutdown/shut-down-node.ts";
import { shutdownPeriods } from "./shutdown/shutdown-rounds.ts";
import { NodePods } from "./static/node-pods.ts";
import { startStaticPods } from "./static/start-static-pods.ts";
import type { ReadManifest } from "./static/static-pod.ts";
import { openCadvisor } from "./stats/cadvisor/open-cadvisor.ts";
import { ContainerDisks } from "./stats/container-disks.ts";
import { bootMs, readMachineUse } from "./stats/machine-use.ts";
import { volumeSampler } from "./stats/open-volume-sampler.ts";
import { StatsSampler } from "./stats/sampler.ts";
import { observeKubelet, renewalErrors } from "./status/kubelet-metrics.ts";
import { readMachine } from "./status/machine.ts";
import { NodeImages } from "./status/node-images.ts";
import { allocatableOf } from "./status/node-object.ts";
import { keepNodeLease, keepNodeStatus, Registration, registerNode } from "./status/node-status.ts";
import { podCidrsOf } from "./status/pod-cidr.ts";
import { PodStatuses } from "./status/pod-statuses.ts";
import { FollowedObjects } from "./sync/followed-objects.ts";
import { evictionGraceSeconds } from "./sync/grace-seconds.ts";
import { PodWorkers } from "./sync/pod-workers.ts";
import { stepTimes } from "./sync/step-times.ts";
import { terminationCounter } from "./sync/terminations.ts";
import { UserRanges } from "./users/user-ranges.ts";
import { AccountTokens } from "./volumes/account-tokens.ts";
import { ClaimedVolumes } from "./volumes/claimed-volumes.ts";
import { PodVolumes } from "./volumes/pod-volumes.ts";
import { removeReleasedVolumes } from "./volumes/remove-released.ts";

interface Given {
  /** Of the cluster that the node joined. */
  readonly member?: Membership | undefined;
  /** Reads what files say of static pods; needed where there are any. */
  readonly readManifest?: ReadManifest | undefined;
}

/** Starts the node agent, as the kubeconfig says or as a member of the cluster that it joined. Rejects when something outside is
 *  not as it must be (UsageError: no runtime, port in use). Stopping it leaves pods running, unless it is by SIGTERM and the
 *  settings give pods a time to end in. */
export async function startAgent(
  config: AgentConfig,
  os: Os,
  { member, readManifest }: Given = {},
): Promise<Running> {
  const log = os.log.child("agent");
  await makeFolder(config.rootDir, 0o711);
  const chosen =
    config.cri === undefined
      ? await chooseRuntime(config)
      : await chooseCri({ ...config.cri, nodeName: config.nodeName }, os);
  await checkPodProcesses(chosen, config.podProcessesMost);
  await checkProxyMode({ ...config, mode: chosen.kind === "process" ? "loopback" : "bridge" });
  if (chosen.kind === "process")
    log.warn("pods are plain processes", { reason: chosen.reason || "--runtime process", lacks: ownLacks() });
  const rest = member?.rest ?? loadKubeconfig(config.kubeconfig);
  const client = new RestClient(rest, { userAgent: "pintle-agent", metrics: os.metrics });
  const tasks = new TaskScope(log);
  const closers: (() => Promise<void>)[] = [async () => client.close()];
  let shutDown = async () => {};
  const stop = async (signal?: string) => {
    if (signal === "SIGTERM") await shutDown();
    await tasks.stop();
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const parts = { config, os: { ...os, log }, chosen, client, tasks, closers, caPem: rest.caPem };
    shutDown = await start({ ...parts, member, readManifest });
  } catch (error) {
    await stop();
    throw error;
  }
  return { done: tasks.untilStopped(), stop };
}

interface Parts extends Given {
  readonly config: AgentConfig;
  readonly os: Os;
  readonly chosen: Chosen;
  readonly client: RestClient;
  readonly tasks: TaskScope;
  readonly closers: (() => Promise<void>)[];
  readonly caPem: string | undefined;
}

/** Resolves, once all is started, with what ends all pods. */
async function start(parts: Parts): Promise<() => Promise<void>> {
  const { config, os, chosen, client, tasks, closers } = parts;
  const machine = await readMachine(config.rootDir);
  if (machine.hugePages.some(({ count }) => count > 0) && !countsHugePages(chosen))
    os.log.warn(
      "nothing holds pods to their huge pages: there is no control group controller hugetlb beside the others",
    );
  const informers = new InformerFactory(tasks, { client, clock: os.clock, random: os.random, log: os.log });
  const late: { deps?: ServerDeps } = {};
  const server = await listen(parts, late);
  closers.push(server.close);
  const version = descriptionOf(chosen);
  const csi = await openCsi({
    rootDir: config.rootDir,
    nodeName: config.nodeName,
    client,
    os,
    tasks,
    tokens: { held: (pod, wanted) => tokens.held(pod, wanted) },
    events: () => events,
    onDue: (podUid) => workers.objectsChanged(podUid),
    pods: () => pods.list(),
  });
  closers.push(async () => csi.close());
  const devices = await openDevices(config, {
    ...{ os, tasks, pods: () => pods.list() },
    ...{ cpus: () => cpus, memory: () => memory },
    onHealth: (podUid) => workers.wake(podUid),
  });
  closers.push(() => devices.close());
  const reserved = together(config.reserved, evictionReservation(config.pressure.thresholds, machine));
  checkReserved(reserved, machine);
  const nodeImages = new NodeImages(config.nodeImagesMost);
  const about = { port: server.port, version, chosen, csi, devices, images: nodeImages };
  const node = nodeInput({ ...config, reserved }, about);
  const imageDisk: { dir: () => Promise<string> } = { dir: async () => config.rootDir };
  const pressure = await openNodePressure(
    { ...config, rules: config.pressure, memoryBytes: machine.memoryBytes },
    { os, group: podsGroupOf(chosen), imageDir: () => imageDisk.dir() },
  );
  const cni = cniPlaces(config, chosen);
  const ofOthers = othersTrouble(chosen, cni);
  let isShuttingDown = false;
  const statusConfig = {
    rootDir: config.rootDir,
    programs: [chosen.perl, ...(chosen.kind === "oci" ? [chosen.config.program] : [])],
    runtimeTrouble: async () => (isShuttingDown ? "node is shutting down" : ofOthers()),
    pressure: async () => {
      await pressure.look();
      return pressure.conditions;
    },
    updateMs: config.statusUpdateMs,
    leaseSeconds: config.leaseSeconds,
  };
  const nodeDeps = { client, os, machine, node };
  const registered = await registerNode(statusConfig, nodeDeps, tasks.signal);
  const serving = config.tlsCertFile === undefined ? config.nodeIp : undefined;
  const renewals = renewalErrors(os.metrics);
  if (parts.member !== undefined)
    keepIdentity(parts.member, serving, { os, client, tasks, server, renewals });
  const registration = new Registration(statusConfig, nodeDeps, registered);
  tasks.run("node lease", (signal) => keepNodeLease(statusConfig, nodeDeps, registration, signal));
  tasks.run("node status", (signal) => keepNodeStatus(statusConfig, nodeDeps, registration, signal));
  const boundPods = informers.informer(resources.pods, {
    fieldSelector: `spec.nodeName=${config.nodeName}`,
  });
  const pods = new NodePods(boundPods, () => new Date(os.clock.wallMs()).toISOString());
  const services = informers.informer(resources.services);

  const mode = chosen.kind === "process" ? "loopback" : cni === undefined ? "bridge" : "cni";
  const givenRanges =
    cni === undefined && config.podCidr === undefined
      ? await podCidrsOf(registered, { client, os, signal: tasks.signal })
      : [];
  const networkSettings = networkConfig(config, { podCidrs: givenRanges, mode, cni });
  await makeFolder(networkSettings.stateDir, 0o700);
  const network = await startNodeNetwork(networkSettings, { os, client, informers });
  closers.push(() => network.stop());
  const places = dnsPlaces(networkSettings);
  if (places.addresses.length > 0) {
    await network.takeAddresses(places.addresses);
    const dns = await startClusterDns(
      {
        ...places,
        domain: config.clusterDomain,
        isPod: network.hasPodAt,
        nodeIp: config.nodeIp,
        resolvConf: config.resolvConf,
        stubDomains: config.stubDomains,
      },
      { os, informers },
    );
    closers.push(async () => dns.stop());
  }
  const proxy = await startServiceProxy(networkSettings, { os, client, informers });
  closers.push(() => proxy.stop());
  if (config.balancerPool.length > 0) {
    const { nodeName, nodeIp, balancerPool: pool } = config;
    const nodeIps = [nodeIp, networkSettings.v6?.nodeIp ?? []].flat();
    const announcer = await startAnnouncer({ nodeName, nodeIps, mode, pool }, { os, client, informers });
    closers.push(() => announcer.stop());
  }

  if (config.ingress !== undefined) {
    const ingress = await startIngress(
      { nodeName: config.nodeName, ports: config.ingress, loopbackPods: mode === "loopback" },
      { os, client, informers },
    );
    closers.push(() => ingress.stop());
  }

  const imageStore = await ImageStore.open(join(config.rootDir, "images"), {
    layersDir: config.imageLayersDir,
  });
  const runtime = await openRuntime({ config, os, chosen }, imageStore, network.pods);
  closers.push(() => runtime.close());
  const images =
    chosen.kind === "cri"
      ? await CriImages.open(chosen.found.images, config.rootDir)
      : imagesOf(imageStore, config.registriesFile);
  const imageManager = new ImageManager(images, os, config);
  const ownImages = chosen.kind === "cri" ? imagesOf(imageStore, config.registriesFile) : images;
  const volumeImages = chosen.kind === "cri" ? new ImageManager(ownImages, os, config) : imageManager;
  imageDisk.dir = onceKnown(() => images.folder());
  tasks.run("images of the node", (signal) => nodeImages.follow(images, os, signal));
  const probeCounts = new ProbeCounts();
  const startedMs = bootMs(await readFile("/proc/stat", "utf8"));
  observeKubelet(os.metrics, {
    ...{ nodeName: config.nodeName, clock: os.clock, runtime },
    clientCertificatePem: () => client.config.certificatePem,
    servingCertificatePem: () => server.certificatePem(),
  });
  observeRelease(os.metrics);
  const sampler = new StatsSampler({ runtime, machine: readMachineUse, clock: os.clock, log: os.log });
  closers.push(async () => sampler.close());
  const stats = {
    nodeName: config.nodeName,
    rootDir: config.rootDir,
    ...{ imageDir: () => imageDisk.dir(), layersWithImages: chosen.kind === "cri" },
    bootMs: startedMs,
    sampler,
    containers: new ContainerDisks({ runtime, clock: os.clock, log: os.log, signal: tasks.signal }),
    pods: () => pods.list(),
    cadvisor: openCadvisor({ os, chosen, runtime, machine, rootDir: config.rootDir, bootMs: startedMs }),
    probes: probeCounts,
    volumes: volumeSampler({
      os,
      pods: () => pods.list(),
      csi: csi.stats,
      volumes: () => volumes,
      ...{ claimed: () => claimed, remote: () => remote },
    }),
  };
  const { kept } = config.logs;
  const logFolders = { ...podLogFolders(join(config.rootDir, "logs")), ...kept };
  tasks.run("kept logs", (signal) => keepLogs(logFolders, kept, os, signal));
  const searches = new NodeSearches(logFolders);
  late.deps = { os, runtime, pods: () => pods.list(), nodeIp: config.nodeIp, stats, searches };

  const events = new EventRecorder(
    { component: "kubelet", host: config.nodeName },
    { client, clock: os.clock, random: os.random, log: os.log },
  );
  tasks.run("events", (signal) => events.run(signal));
  const prober = new Prober(
    { runtime, clock: os.clock, random: os.random },
    {
      onChange: (podUid) => workers.wake(podUid),
      onOutcome: (outcome) => probeCounts.count(outcome),
      onTrouble: (podUid, container, trouble) => {
        const pod = workers.podOf(podUid);
        if (pod !== undefined)
          events.record(pod, { type: "Warning", ...trouble, fieldPath: `spec.containers{${container}}` });
      },
    },
  );
  closers.push(async () => prober.stop());
  const sources = new FollowedObjects(
    { client, clock: os.clock, random: os.random, log: os.log },
    tasks,
    (uid) => workers.objectsChanged(uid),
  );
  const tokens = new AccountTokens({ client, clock: os.clock, random: os.random, log: os.log }, (uid) =>
    workers.objectsChanged(uid),
  );
  closers.push(async () => tokens.stop());
  const { recursiveReadOnly } = node;
  const able = allocatableOf(node, machine);
  const { admission, cpus, memory, nodeNow } = await openNodeAdmission({
    ...{ config, client, os, tasks, node, machine, registered },
    isProcesses: chosen.kind === "process",
    devices: devices.manager,
    pressure: () => pressure.conditions,
    isShuttingDown: () => isShuttingDown,
    onShared: () => pods.list().forEach(({ metadata }) => void workers.wake(metadata.uid)),
  });
  const statuses = new PodStatuses(client, os, tasks, (pod) => pods.inApi(pod));
  const local = { client, nodeName: config.nodeName, folder: localVolumesFolder(config) };
  const nodeLabels = async () => (await nodeNow()).metadata.labels ?? {};
  const { expansion } = csi;
  const remote = new RemoteVolumes({
    podsDir: join(config.rootDir, "pods"),
    pluginsDir: join(config.rootDir, "plugins"),
    ...{ tools: hostMountTools, places: hostDevices, clock: os.clock, client },
  });
  const claimed = new ClaimedVolumes({
    ...local,
    remote,
    nodeLabels,
    csi: csi.volumes,
    expansion,
    events: () => events,
  });
  const volumes = new PodVolumes({
    ...{ claimed, remote },
    csi: csi.volumes,
    dir: join(config.rootDir, "pods"),
    logsDir: join(config.rootDir, "logs"),
    sources,
    tokens,
    mountsSubPaths: chosen.kind !== "process",
    recursiveReadOnly,
  });
  const users = await UserRanges.open(
    { dir: join(config.rootDir, "pods"), rootDir: config.rootDir },
    await volumes.list(),
    os.log,
  );
  const workers = new PodWorkers(
    {
      os,
      client,
      runtime,
      imageStore,
      images: imageManager,
      volumeImages,
      volumes,
      prober,
      admission,
      events,
      sources,
      services: () =>
        chosen.kind === "process" ? withOpenPorts(services.list(), ownLowestPort()) : services.list(),
      inApi: (pod) => pods.inApi(pod),
      ended: (uid) => {
        pods.ended(uid);
        users.forget(uid);
      },
      scheme: chosen.kind === "cri" ? chosen.found.scheme : chosen.kind,
      able: podAbilitiesOf(chosen),
      podGroups: podLimitsOf(chosen, config.podProcessesMost),
      cpus,
      memory,
      devices: devices.manager,
      users,
      recursiveReadOnly,
      nodeIp: config.nodeIp,
      secondNodeIp: config.v6?.nodeIp,
      dns: {
        // One is enough: every pod has IPv4.
        servers: config.clusterDns.length > 0 ? config.clusterDns : places.addresses.slice(0, 1),
        domain: config.clusterDomain,
        resolvConf: config.resolvConf,
      },
      allocatable: able,
      nodeMemoryBytes: machine.memoryBytes,
      terminations: terminationCounter(os.metrics),
      stepTimes: stepTimes(os.metrics),
      logsDir: logFolders.live,
    },
    statuses,
    tasks,
  );
  await Promise.all([boundPods.synced(tasks.signal), services.synced(tasks.signal)]);
  await devices.start();
  const ownPods = { ...config, read: parts.readManifest };
  await startStaticPods(ownPods, { os, client, tasks, events, pods, start: () => workers.start(pods) });
  for (const one of [cpus, memory, devices.manager, users])
    await one?.keepOnly(new Set(pods.list().map(({ metadata }) => metadata.uid)));
  csi.start();
  const storage = {
    clock: os.clock,
    log: os.log,
    pods: () => pods.list(),
    runtime,
    volumes,
    events,
    meter: os.metrics,
    evict: (pod: Pod, message: string) =>
      workers.evict(pod.metadata.uid, { message, graceSeconds: evictionGraceSeconds }),
  };
  const imageSources = new Map([[images, imageManager] as const, [ownImages, volumeImages] as const]);
  const reclaimImages = keepImages(config.imageGc, imageSources, {
    os,
    tasks,
    runtime,
    events,
    node: registered,
  });
  tasks.run("local storage limits", (signal) => keepLocalStorageLimits(storage, signal));
  const relief = {
    ...storage,
    node: registered,
    pressure,
    layout: async () => diskLayout(config.rootDir, await imageDisk.dir(), chosen.kind === "cri"),
    workers,
    reclaimLogs: () => dropOldestKept(logFolders.kept),
    reclaimImages,
  };
  tasks.run("pressure", (signal) => relievePressure(relief, signal));
  removeReleasedVolumes(config.nodeName, claimed, { os, client, tasks, informers });
  if (config.logs.shipping !== undefined) {
    const { shipLogs } = await import("./logs/ship/ship-logs.ts");
    const { components, audit } = config.logs.kept;
    const folders = { ...podLogFolders(join(config.rootDir, "logs")), components, audit };
    const shipped = await shipLogs({ ...config, file: config.logs.shipping, folders }, os);
    closers.push(() => shipped.stop());
  }
  os.log.info("agent is ready", { node: config.nodeName, runtime: version, port: server.port });
  return async () => {
    if (config.shutdown.seconds === 0) return;
    isShuttingDown = true;
    const sendStatus = () => registration.sendStatus(tasks.signal);
    await shutDownNode(shutdownPeriods(config.shutdown), { os, tasks, sendStatus, pods, workers });
  };
}

function openRuntime(
  { config, os, chosen }: Pick<Parts, "config" | "os" | "chosen">,
  imageStore: ImageStore,
  network: PodNetwork,
): Promise<Runtime> {
  const { rootDir, logs } = config;
  if (chosen.kind === "cri") return openCriRuntime({ rootDir, found: chosen.found, logs }, { network, os });
  const launcher =
    chosen.kind === "oci"
      ? ociLauncher(
          { ...chosen.config, hidden: ["/root", rootDir, config.imageLayersDir, ...config.hostImageHide] },
          { filesystems: overlayFilesystems(imageStore) },
        )
      : processLauncher();
  return SupervisedRuntime.open({ rootDir, logs }, { launcher, network, os });
}
