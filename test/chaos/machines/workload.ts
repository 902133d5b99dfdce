import { answeringPod } from "../../answering-pod.ts";

/** Holds a lock that is its name's on all machines, and says who could not have it: two of one name ran at once. */
const alone = `use Fcntl ":flock"; $SIG{TERM} = sub { exit 0 };
open my $lock, ">>", "/witness/$ENV{POD}.lock" or die $!;
unless (flock $lock, LOCK_EX | LOCK_NB) { open my $told, ">>", "/witness/twice"; print $told "$ENV{POD} on $ENV{NODE}\\n" }
open my $told, ">>", "/witness/begun"; print $told "$ENV{POD} on $ENV{NODE}\\n"; close $told;
sleep 1 while 1;`;

const fieldEnv = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const labels = (app: string) => ({ app });

/** Given up a second after their node is. */
const tolerations = ["unreachable", "not-ready"].map((why) => ({
  key: `node.kubernetes.io/${why}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 1,
}));

const podOf = (app: string, container: object) => ({
  metadata: { labels: labels(app) },
  spec: {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 2,
    tolerations,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        nodeTaintsPolicy: "Honor",
        labelSelector: { matchLabels: labels(app) },
      },
    ],
    containers: [
      {
        name: "c",
        image: "pintle.local/host",
        env: [fieldEnv("POD", "metadata.name"), fieldEnv("NODE", "spec.nodeName")],
        ...container,
      },
    ],
  },
});

export const webPods = 2;

export const web = {
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: webPods,
    selector: { matchLabels: labels("web") },
    template: podOf("web", {
      command: ["perl", "-e", answeringPod],
      resources: { requests: { cpu: "100m" } },
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, timeoutSeconds: 5 },
      // What a proxy sent before it heard still arrives.
      lifecycle: { preStop: { sleep: { seconds: 1 } } },
    }),
  },
} as const;

export const service = {
  metadata: { name: "web", namespace: "default" },
  spec: { selector: labels("web"), ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }] },
} as const;

export const headless = {
  metadata: { name: "db", namespace: "default" },
  spec: { clusterIP: "None", selector: labels("db"), ports: [{ port: 80, protocol: "TCP" }] },
} as const;

/** @param folder One on all machines. */
export const db = (folder: string) => {
  const template = podOf("db", {
    command: ["perl", "-e", alone],
    volumeMounts: [{ name: "witness", mountPath: "/witness" }],
  });
  const volumes = [{ name: "witness", hostPath: { path: folder, type: "Directory" } }];
  return {
    metadata: { name: "db", namespace: "default" },
    spec: {
      serviceName: "db",
      replicas: 2,
      podManagementPolicy: "Parallel",
      selector: { matchLabels: labels("db") },
      template: { ...template, spec: { ...template.spec, volumes } },
    },
  };
};

/** A pod on that node that takes what it can get. */
export const greedy = (node: string, what: keyof typeof greeds) => ({
  metadata: { name: what, namespace: "default" },
  spec: {
    nodeName: node,
    automountServiceAccountToken: false,
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "c",
        image: "pintle.local/host",
        command: ["perl", "-e", greeds[what]],
        resources: {
          requests: { cpu: "10m", memory: "16Mi" },
          // What is on a disk in memory would count.
          limits: { cpu: "200m", ...(what !== "disk" && { memory: "64Mi" }) },
        },
        volumeMounts: [{ name: "scratch", mountPath: "/mnt" }],
      },
    ],
    volumes: [{ name: "scratch", emptyDir: {} }],
  },
});

const greeds = {
  forks: "while (1) { select undef, undef, undef, 0.05 unless defined fork }",
  memory: 'my @all; push @all, "x" x 1e6 while 1',
  disk: 'open my $file, ">", "/mnt/all"; $file->autoflush(1); my $zeros = "\\0" x 1e6; use IO::Handle; 1 while print $file $zeros; sleep 1 while 1',
} as const;
