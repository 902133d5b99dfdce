import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentFlags } from "../../agent/flags.ts";
import { simulationConfig, simulationFlags } from "../../agent/simulate/flags.ts";
import { simulate } from "../../agent/simulate/simulate.ts";
import type { Stage } from "../../agent/simulate/stages.ts";
import { testMachine as machine } from "../../agent/status/testing/test-machine.ts";
import { systemClock } from "../../base/os/clock.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { silentLog } from "../../base/os/log.ts";
import { below, Prng, systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { InformerFactory } from "../../client/informer.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { CronJob, DaemonSet, Draft, Job, Pod, StatefulSet } from "../../client/types.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import { ClaimWitness } from "../claim-witness.ts";
import { CronWitness } from "../cron-witness.ts";
import { FaultyLink } from "../integration/faulty-link.ts";
import { KeptProcess } from "../kept-process.ts";
import { eventually } from "../local-cluster.ts";
import { type Bounds, countOf, RolloutWitness } from "../rollout-witness.ts";

const seed = Number(process.env.CHAOS_SEED ?? below(systemRandom, 2 ** 31));
const namespace = "default";
const replicas = 12;
const members = 3;
const completions = 16;
const parallelism = 4;
const claimsPerRound = 6;
const nodes = 6;

/** What befalls a leader. `pause`: its process stands still and goes on afterwards. What was held, or was about to be sent,
 *  arrives after another leads: a pod that a manager wanted once more would be made, did not each write say in which term it
 *  was decided. */
const faults = ["cut", "swallow", "hold", "pause"] as const;
type Component = "scheduler" | "controller-manager";

/** One of two that may lead, and how it reaches the API server. */
interface Contender {
  readonly kept: KeptProcess;
  readonly link: FaultyLink;
}

const bounds = (app: string, kept: Omit<Bounds, "name" | "labels">): Bounds => ({
  name: app,
  labels: { app },
  ...kept,
});
const template = (app: string, round: number, restartPolicy = "Always") => ({
  metadata: { labels: { app }, annotations: { round: String(round) } },
  spec: { restartPolicy, containers: [{ name: "c", image: "i" }] },
});
/** Pods that end by themselves, no two on one node. */
const shortTemplate = (app: string, round: number) => {
  const { metadata, spec } = template(app, round, "Never");
  const term = { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app } } };
  const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [term] };
  return { metadata, spec: { ...spec, affinity: { podAntiAffinity } } };
};

const stage = (step: Stage["step"], delayMs: number): Stage => ({
  step,
  labels: {},
  annotations: {},
  delayMs,
  mostMs: 2 * delayMs,
});

const simulated = simulationConfig(
  parseFlags({ ...agentFlags, ...simulationFlags }, [`--simulate=${nodes}`, "--node-name=sim"], { env: {} })
    .flags,
);
/** Only pods of jobs end by themselves. */
const stages: readonly Stage[] = [
  stage("pod-ready", 150),
  { ...stage("pod-complete", 100), labels: { app: "tick" } },
  { ...stage("pod-complete", 600), labels: { app: "work" } },
  stage("pod-delete", 150),
];

describe(`chaos: who decides is killed, and cut off, while workloads roll out (CHAOS_SEED=${seed})`, function () {
  this.timeout(300_000);
  let folder: string;
  let server: TestApiserver;
  let client: RestClient;
  let tasks: TaskScope;
  let informers: InformerFactory;
  let witness: RolloutWitness;
  let claims: ClaimWitness;
  let runs: CronWitness;
  const open: (KeptProcess | FaultyLink)[] = [];
  let round = 0;

  beforeEach(async () => {
    round = 0;
    folder = mkdtempSync(join(tmpdir(), "pintle-leaders-"));
    server = await startTestApiserver();
    client = new RestClient(loadKubeconfig(server.kubeconfig));
    tasks = new TaskScope(silentLog);
    const os = { clock: systemClock, random: systemRandom, log: silentLog };
    assert.ok(simulated);
    simulate({ ...simulated, stages }, { client, tasks, machine, os });
    informers = new InformerFactory(tasks, { client, ...os });
    witness = new RolloutWitness(informers.informer(resources.pods, { namespace }), [
      // A ReplicaSet that is to have fewer pods has them until its controller has acted: only their specs are bounded.
      bounds("web", { readyLeast: replicas - 1 }),
      bounds("member", { most: members, readyLeast: members - 1 }),
      bounds("agent", { most: nodes, readyLeast: nodes - 1, onePerNode: true }),
      bounds("work", { most: parallelism, readyLeast: 0, onePerNode: true }),
      bounds("tick", { most: 1, readyLeast: 0 }),
    ]);
    claims = new ClaimWitness(informers);
    runs = new CronWitness(informers);
    await informers.synced(tasks.signal);
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await (one instanceof KeptProcess ? one.stop() : one.close());
    await tasks.stop();
    client.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const pods = () => informers.informer(resources.pods, { namespace }).list();

  /** A component with rights of its own; through a link, where one is given. */
  async function keep(
    component: string,
    user: string,
    flags: readonly string[],
    link?: FaultyLink,
  ): Promise<KeptProcess> {
    const text = readFileSync(await server.kubeconfigFor(user), "utf8");
    const path = join(folder, `kubeconfig-${open.length}`);
    writeFileSync(
      path,
      link === undefined ? text : text.replaceAll(new URL(server.url).host, `127.0.0.1:${link.port}`),
    );
    const kept = new KeptProcess([component, `--kubeconfig=${path}`, "--secure-port=0", ...flags]);
    open.push(kept);
    return kept;
  }
  const scheduler = (flags: readonly string[], link?: FaultyLink) =>
    keep("scheduler", "system:kube-scheduler", flags, link);
  const manager = (flags: readonly string[], link?: FaultyLink) =>
    keep(
      "controller-manager",
      "system:kube-controller-manager",
      ["--controllers=*,-node-ipam-controller", ...flags],
      link,
    );

  async function makeWorkloads(): Promise<void> {
    round++;
    const rollingUpdate = { maxSurge: 2, maxUnavailable: 1 };
    await client.create(resources.deployments, {
      metadata: { namespace, name: "web" },
      spec: {
        replicas,
        strategy: { type: "RollingUpdate", rollingUpdate },
        selector: { matchLabels: { app: "web" } },
        template: template("web", round),
      },
    } as never);
    await client.create(resources.statefulsets, {
      metadata: { namespace, name: "member" },
      spec: {
        replicas: members,
        serviceName: "member",
        selector: { matchLabels: { app: "member" } },
        template: template("member", round),
      },
    } as unknown as Draft<StatefulSet>);
    await client.create(resources.daemonsets, {
      metadata: { namespace, name: "agent" },
      spec: {
        selector: { matchLabels: { app: "agent" } },
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
        template: template("agent", round),
      },
    } as unknown as Draft<DaemonSet>);
    // Each of its jobs goes as soon as it has ended: only the status then says that its time had one.
    await client.create(resources.cronjobs, {
      metadata: { namespace, name: "tick" },
      spec: {
        schedule: "@every 1s",
        concurrencyPolicy: "Forbid",
        successfulJobsHistoryLimit: 0,
        jobTemplate: { spec: { template: template("tick", round, "Never") } },
      },
    } as unknown as Draft<CronJob>);
  }

  /** As many volumes as claims, any of which fits any. */
  async function makeClaims(): Promise<void> {
    const accessModes = ["ReadWriteOnce"];
    for (let number = 0; number < claimsPerRound; number++) {
      const name = `${round}-${number}`;
      await client.create(resources.persistentvolumes, {
        metadata: { name },
        spec: { accessModes, capacity: { storage: "1Gi" }, hostPath: { path: `/volumes/${name}` } },
      } as never);
      await client.create(resources.persistentvolumeclaims, {
        metadata: { namespace, name },
        spec: { accessModes, storageClassName: "", resources: { requests: { storage: "1Gi" } } },
      } as never);
    }
  }

  /** Its pods take so long that who decides is killed several times meanwhile. */
  async function makeJob(): Promise<void> {
    await client.create(resources.jobs, {
      metadata: { namespace, name: "work" },
      spec: { completions, parallelism, template: shortTemplate("work", round) },
    } as unknown as Draft<Job>);
  }

  async function rollOut(): Promise<void> {
    round++;
    const body = { spec: { template: { metadata: { annotations: { round: String(round) } } } } };
    await client.patch(resources.deployments, { namespace, name: "web" }, body, { type: "merge" });
    await client.patch(resources.statefulsets, { namespace, name: "member" }, body, { type: "merge" });
    await client.patch(resources.daemonsets, { namespace, name: "agent" }, body, { type: "merge" });
    await makeClaims();
  }

  const isOfRound = ({ metadata }: Pod) => metadata.annotations?.round === String(round);
  const current = (app: string) => countOf(pods().filter(isOfRound), { app }).ready;

  const rolledOut = () =>
    eventually(
      `round ${round} is rolled out`,
      async () => [
        current("web"),
        current("member"),
        current("agent"),
        countOf(pods(), { app: "web" }).there,
      ],
      (counts) => JSON.stringify(counts) === JSON.stringify([replicas, members, nodes, replicas]),
    );

  async function allIsWell(): Promise<void> {
    await rolledOut();
    await eventually(
      "the job is done",
      () => client.get(resources.jobs, { namespace, name: "work" }),
      ({ status }) =>
        (status?.conditions ?? []).some(({ type, status: is }) => type === "Complete" && is === "True"),
    );
    const succeeded = pods().filter(
      ({ metadata, status }) => metadata.labels?.app === "work" && status?.phase === "Succeeded",
    );
    assert.equal(succeeded.length, completions, "each completion once");
    const made = (app: string) => witness.seen.get(app)?.size;
    assert.deepEqual(
      { web: made("web"), member: made("member"), agent: made("agent"), work: made("work") },
      { web: round * replicas, member: round * members, agent: round * nodes, work: completions },
      "each pod is made once",
    );
    const names = new Set(witness.seen.get("member")?.values());
    assert.deepEqual([...names].sort(), ["member-0", "member-1", "member-2"]);
    assert.ok(runs.made.size > 1, "the cron job ran");
    await eventually(
      "all claims are bound",
      () => client.list(resources.persistentvolumeclaims, { namespace }),
      ({ items }) =>
        items.length === (round - 1) * claimsPerRound &&
        items.every(({ status }) => status?.phase === "Bound"),
    );
    assert.deepEqual([...witness.problems, ...claims.problems, ...runs.problems], []);
  }

  it("a scheduler and a controller manager that are killed every second get there, and break no bound", async () => {
    const kept = [await scheduler(["--leader-elect=false"]), await manager(["--leader-elect=false"])];
    await makeWorkloads();
    await rolledOut();
    await makeJob();
    const random = new Prng(seed);
    for (let rollout = 0; rollout < 2; rollout++) {
      await rollOut();
      for (let kill = 0; kill < 6; kill++) {
        // Between two kills, whatever has been done by then.
        await new Promise((resolve) => setTimeout(resolve, 700 + below(random, 600)));
        await Promise.all(kept.map((one) => one.kill()));
      }
      await rolledOut();
    }
    assert.ok(kept.every(({ lives }) => lives > 5));
    await allIsWell();
  });

  const lease = (name: Component) =>
    client.get(resources.leases, { namespace: "kube-system", name: `kube-${name}` });

  /** Cuts one of two off until the other leads, whoever did before. Resolves with the identity of the one that does. */
  async function cutOff(component: Component, { link, kept }: Contender, random: Prng): Promise<string> {
    const fault = faults[below(random, faults.length)] ?? "cut";
    if (fault === "pause") kept.pause();
    else link.fault = fault;
    const cutOffMs = Date.now();
    const { spec } = await eventually(
      `another ${component} leads after ${fault}`,
      () => lease(component),
      (found) => Date.parse(found.spec?.renewTime ?? "") > cutOffMs,
    );
    // How long the fault lasts is up to chance; nothing is waited for here.
    await new Promise((resolve) => setTimeout(resolve, below(random, 2000)));
    if (fault === "pause") kept.goOn();
    else link.fault = "none";
    return spec?.holderIdentity ?? "";
  }

  it("two of each alternate as leaders when one is cut off, hears nothing or stands still, without a double effect", async () => {
    const random = new Prng(seed);
    const port = Number(new URL(server.url).port);
    const election = [
      "--leader-elect-lease-duration=3s",
      "--leader-elect-renew-deadline=2s",
      "--leader-elect-retry-period=500ms",
    ];
    const contenders: Record<Component, Contender[]> = { scheduler: [], "controller-manager": [] };
    for (const [component, start] of [
      ["scheduler", scheduler],
      ["controller-manager", manager],
    ] as const)
      for (let number = 0; number < 2; number++) {
        const link = await FaultyLink.open(port);
        open.push(link);
        contenders[component].push({ link, kept: await start(election, link) });
      }
    await makeWorkloads();
    await rolledOut();
    await makeJob();
    const first = below(random, 2);
    const leaders: string[][] = [];
    for (let turn = 0; turn < 4; turn++) {
      await rollOut();
      const cut = (component: Component, number: number) =>
        cutOff(component, contenders[component][number % 2] as Contender, random);
      leaders.push(await Promise.all([cut("scheduler", turn + first), cut("controller-manager", turn)]));
      await rolledOut();
    }
    for (const [turn, [scheduling, managing]] of leaders.entries()) {
      assert.notEqual(scheduling, leaders[turn - 1]?.[0]);
      assert.notEqual(managing, leaders[turn - 1]?.[1]);
    }
    await allIsWell();
  });
});
