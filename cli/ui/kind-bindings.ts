import { resources } from "../../client/resources.ts";
import type { Container, KubeObject, Pod, Ref } from "../../client/types.ts";
import { OperatorError } from "../command.ts";
import { chooseContainer, podSelector } from "../kubectl/pod-choice.ts";
import { cordon, decoded, restart, scale, suspend, trigger } from "./actions.ts";
import { ListPage } from "./list-page.ts";
import { LogPage, type LogStream } from "./log-page.ts";
import { linesOf, type Subject } from "./object-bindings.ts";
import type { Binding } from "./page.ts";
import { runShell } from "./run-shell.ts";
import type { Screen } from "./screen.ts";
import { TextPage } from "./text-page.ts";

const streamsMost = 20;
const pods = { plural: "pods", group: "" };
const nodes = { plural: "nodes", group: "" };

/** What one may ask of objects of this kind beside what one may ask of all. */
export function bindingsOfKind(subject: Subject): readonly Binding[] {
  const { kind } = subject;
  const key = `${kind.group}/${kind.plural}`;
  if (key === "/pods") return podBindings(subject);
  if (key === "/nodes") return nodeBindings(subject);
  if (key === "/namespaces") return namespaceBindings(subject);
  if (key === "/secrets") return secretBindings(subject);
  if (key === "batch/cronjobs") return cronJobBindings(subject);
  if (key === "/services" || key === "batch/jobs") return ownerBindings(subject);
  if (key === "apps/replicasets" || key === "/replicationcontrollers")
    return [...ownerBindings(subject), scaling(subject)];
  if (key === "apps/deployments" || key === "apps/statefulsets")
    return [...ownerBindings(subject), scaling(subject), restarting(subject)];
  if (key === "apps/daemonsets") return [...ownerBindings(subject), restarting(subject)];
  return [];
}

const withOne =
  ({ screen, one }: Subject, act: (ref: Ref) => Promise<string | undefined>): (() => void) =>
  () => {
    const ref = one();
    if (ref !== undefined) void screen.attempt(() => act(ref));
  };

function podBindings(subject: Subject): readonly Binding[] {
  const { screen } = subject;
  const podOf = (ref: Ref) => screen.client.get(resources.pods, ref);
  const logs = (isPrevious: boolean) =>
    withOne(subject, async (ref) => {
      const pod = await podOf(ref);
      const streams = streamsOf(pod, isPrevious);
      screen.open(new LogPage(screen, ref.name, streams, { isPrevious }));
      return undefined;
    });
  return [
    {
      key: "enter",
      help: "Containers",
      isMinor: true,
      does: withOne(subject, async (ref) => {
        screen.open(containersPage(screen, await podOf(ref)));
        return undefined;
      }),
    },
    { key: "l", help: "Logs", does: logs(false) },
    { key: "p", help: "Logs of the run before", does: logs(true) },
    {
      key: "s",
      help: "Shell",
      changes: true,
      does: withOne(subject, async (ref) => shell(screen, ref, chooseContainer(await podOf(ref), undefined))),
    },
    {
      key: "F",
      help: "Forward a port",
      does: withOne(subject, async (ref) => forward(screen, await podOf(ref))),
    },
    {
      key: "o",
      help: "Show node",
      isMinor: true,
      does: withOne(subject, async (ref) => {
        const { nodeName } = (await podOf(ref)).spec;
        if (!nodeName) throw new OperatorError(`${ref.name} is on no node`);
        screen.openObjects(nodes, { fields: `metadata.name=${nodeName}`, of: `of ${ref.name}` });
        return undefined;
      }),
    },
  ];
}

const containersOf = ({ spec }: Pod): readonly (readonly [Container, string])[] => [
  ...(spec.initContainers ?? []).map((one) => [one, "init"] as const),
  ...spec.containers.map((one) => [one, ""] as const),
  ...(spec.ephemeralContainers ?? []).map((one) => [one as Container, "debug"] as const),
];

/** Those that have run, all of them; of init containers, too. */
function streamsOf(pod: Pod, isPrevious = false): readonly LogStream[] {
  const statuses = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.ephemeralContainerStatuses ?? []),
  ];
  const { name, namespace } = pod.metadata;
  const hasRun = ({ state, restartCount }: (typeof statuses)[number]) =>
    isPrevious ? restartCount > 0 : Boolean(state?.running ?? state?.terminated) || restartCount > 0;
  const streams = statuses.filter(hasRun).map((status) => ({
    ref: { name, ...(namespace !== undefined && { namespace }) },
    container: status.name,
  }));
  if (streams.length === 0)
    throw new OperatorError(
      isPrevious ? `${name}: no container ran before` : `${name}: no container has begun; W says why`,
    );
  return streams;
}

function containersPage(screen: Screen, pod: Pod): ListPage<readonly [Container, string]> {
  const { name, namespace } = pod.metadata;
  const ref: Ref = { name, ...(namespace !== undefined && { namespace }) };
  const statuses = new Map(
    [
      ...(pod.status?.initContainerStatuses ?? []),
      ...(pod.status?.containerStatuses ?? []),
      ...(pod.status?.ephemeralContainerStatuses ?? []),
    ].map((one) => [one.name, one]),
  );
  return new ListPage(screen, {
    crumb: "containers",
    titles: ["NAME", "READY", "STATE", "RESTARTS", "IMAGE", "PORTS", "SORT"],
    items: () => containersOf(pod),
    cellsOf: ([container, sort]) => {
      const status = statuses.get(container.name);
      const state = status?.state;
      return [
        container.name,
        String(status?.ready ?? false),
        state?.running ? "Running" : (state?.waiting?.reason ?? state?.terminated?.reason ?? ""),
        String(status?.restartCount ?? 0),
        container.image ?? "",
        (container.ports ?? [])
          .map(({ containerPort, protocol }) => `${containerPort}/${protocol}`)
          .join(","),
        sort,
      ];
    },
    bindings: (chosen) => {
      const withChosen = (act: (container: Container) => Promise<string | undefined>) => () => {
        const container = chosen()?.[0];
        if (container !== undefined) void screen.attempt(() => act(container));
      };
      const logs = (isPrevious: boolean) =>
        withChosen(async (container) => {
          const streams = [{ ref, container: container.name }];
          screen.open(new LogPage(screen, `${name}/${container.name}`, streams, { isPrevious }));
          return undefined;
        });
      return [
        { key: "enter", help: "Logs", isMinor: true, does: logs(false) },
        { key: "l", help: "Logs", does: logs(false) },
        { key: "p", help: "Logs of the run before", does: logs(true) },
        {
          key: "s",
          help: "Shell",
          changes: true,
          does: withChosen((container) => shell(screen, ref, container.name)),
        },
        { key: "F", help: "Forward a port", does: withChosen(() => forward(screen, pod)) },
      ];
    },
  });
}

async function shell(screen: Screen, ref: Ref, container: string): Promise<string | undefined> {
  let said: string | undefined;
  await screen.outside(async () => {
    said = await runShell(screen.client, ref, container);
  });
  return said;
}

async function forward(screen: Screen, pod: Pod): Promise<string | undefined> {
  const { name, namespace } = pod.metadata;
  const known = pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.map(({ containerPort }) => containerPort),
  );
  const first = known[0];
  const text = await screen.ask(
    "Forward LOCAL:PORT of the pod",
    first === undefined ? "" : `${first}:${first}`,
  );
  if (text === undefined) return undefined;
  const [local = "", port = local] = text.split(":");
  const isPort = (one: string) => /^\d{1,5}$/.test(one) && Number(one) <= 65_535;
  if (!isPort(local) || !isPort(port) || Number(port) === 0)
    throw new OperatorError(
      `"${text}" is not LOCAL:PORT, numbers from 1 to 65535 (LOCAL may be 0: a free one)`,
    );
  const ref: Ref = { name, ...(namespace !== undefined && { namespace }) };
  const made = await screen.forwards.open(screen.client, ref, Number(port), Number(local));
  return `127.0.0.1:${made.localPort} leads to ${name}:${made.port}; :pf lists what is forwarded`;
}

function nodeBindings(subject: Subject): readonly Binding[] {
  const { screen, all, unmark } = subject;
  const cordoning = (key: string, help: string, isCordoned: boolean): Binding => ({
    key,
    help,
    changes: true,
    does: () =>
      void screen.attempt(async () => {
        const said = await Promise.all(all().map((ref) => cordon(screen.client, ref, isCordoned)));
        unmark();
        return said.join(", ");
      }),
  });
  return [
    {
      key: "enter",
      help: "Pods on it",
      isMinor: true,
      does: withOne(subject, async ({ name }) => {
        screen.openObjects(pods, { fields: `spec.nodeName=${name}`, of: `on ${name}` });
        return undefined;
      }),
    },
    cordoning("c", "Cordon", true),
    cordoning("u", "Uncordon", false),
  ];
}

function namespaceBindings(subject: Subject): readonly Binding[] {
  const { screen } = subject;
  return [
    {
      key: "enter",
      help: "Its pods",
      isMinor: true,
      does: withOne(subject, async ({ name }) => {
        screen.goToNamespace(name);
        screen.openObjects(pods, { namespace: name });
        return undefined;
      }),
    },
    {
      key: "u",
      help: "Use",
      does: withOne(subject, async ({ name }) => {
        screen.goToNamespace(name);
        return `tables show namespace ${name} from now on`;
      }),
    },
  ];
}

function secretBindings(subject: Subject): readonly Binding[] {
  const { screen } = subject;
  return [
    {
      key: "x",
      help: "Decode",
      does: withOne(subject, async (ref) => {
        const load = async () =>
          (await decoded(screen.client, ref)).flatMap(([key, value]) => [
            { text: `${key}:`, style: "head" as const },
            ...linesOf(value).map(({ text }) => ({ text: `  ${text}` })),
          ]);
        screen.open(new TextPage(screen, "decode", ref.name, load));
        return undefined;
      }),
    },
  ];
}

function cronJobBindings(subject: Subject): readonly Binding[] {
  const { screen } = subject;
  return [
    {
      key: "enter",
      help: "Its jobs",
      isMinor: true,
      does: withOne(subject, async ({ name, namespace }) => {
        screen.openObjects(
          { plural: "jobs", group: "batch" },
          { namespace, filter: `^\\S*\\s*${name}-`, of: `of ${name}` },
        );
        return undefined;
      }),
    },
    {
      key: "t",
      help: "Run now",
      changes: true,
      does: withOne(subject, (ref) => trigger(screen.client, ref, screen.clock.wallMs())),
    },
    {
      key: "s",
      help: "Suspend, or go on",
      changes: true,
      does: withOne(subject, (ref) => suspend(screen.client, ref)),
    },
  ];
}

/** Of what selects pods. */
function ownerBindings(subject: Subject): readonly Binding[] {
  const { screen, kind } = subject;
  const selectorOf = async (ref: Ref) => podSelector(await screen.client.get<KubeObject>(kind, ref));
  return [
    {
      key: "enter",
      help: "Its pods",
      isMinor: true,
      does: withOne(subject, async (ref) => {
        const of = `${kind.singular}/${ref.name}`;
        screen.openObjects(pods, { namespace: ref.namespace, labels: await selectorOf(ref), of });
        return undefined;
      }),
    },
    {
      key: "l",
      help: "Logs of its pods",
      does: withOne(subject, async (ref) => {
        const options = { namespace: ref.namespace, labelSelector: await selectorOf(ref) };
        const { items } = await screen.client.list(resources.pods, options);
        const streams = items.flatMap((pod) => {
          try {
            return streamsOf(pod);
          } catch {
            return []; // none of its containers has begun
          }
        });
        if (streams.length === 0) throw new OperatorError(`${ref.name}: no pod of it has begun; W says why`);
        screen.open(new LogPage(screen, `${kind.singular}/${ref.name}`, streams.slice(0, streamsMost)));
        return streams.length > streamsMost
          ? `${streamsMost} of ${streams.length} containers are followed`
          : undefined;
      }),
    },
  ];
}

function scaling(subject: Subject): Binding {
  const { screen, kind } = subject;
  return {
    key: "s",
    help: "Scale",
    changes: true,
    does: withOne(subject, async (ref) => {
      const now = await screen.client.get<KubeObject>(kind, ref);
      const replicas = (now.spec as { readonly replicas?: number } | undefined)?.replicas ?? 1;
      const text = await screen.ask(`Replicas of ${ref.name}`, String(replicas));
      return text === undefined ? undefined : scale(screen.client, kind, ref, text);
    }),
  };
}

function restarting({ screen, kind, all, unmark }: Subject): Binding {
  return {
    key: "r",
    help: "Restart",
    changes: true,
    does: () =>
      void screen.attempt(async () => {
        const refs = all();
        const what = refs.length === 1 ? refs[0]?.name : `${refs.length} ${kind.plural}`;
        if (!(await screen.confirm(`Restart ${what}?`))) return undefined;
        const nowMs = screen.clock.wallMs();
        const said = await Promise.all(refs.map((ref) => restart(screen.client, kind, ref, nowMs)));
        unmark();
        return said.join(", ");
      }),
  };
}
