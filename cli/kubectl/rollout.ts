import { systemClock } from "../../base/os/clock.ts";
import { UsageError } from "../../base/os/flags.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import { type Revision, type Rolling, rollbackTo } from "../../client/rules/rollout-revisions.ts";
import { daemonSetRollout, deploymentRollout, type RolloutState } from "../../client/rules/rollout-state.ts";
import type { DaemonSet, Deployment, KubeObject, Ref, Resource } from "../../client/types.ts";
import { type CommandIo, command, OperatorError } from "../command.ts";
import { type DiscoveredResource, discover, shownName } from "./discovery.ts";
import { clusterFlags, namespaceOf } from "./flags.ts";
import { aligned } from "./output.ts";
import { deploymentRevisions, setRevisions } from "./revisions.ts";
import { parseOne } from "./targets.ts";

const flags = {
  ...clusterFlags,
  "to-revision": {
    kind: "integer",
    default: 0,
    value: "N",
    help: "undo: to which revision; 0 for the one before",
  },
  timeout: {
    kind: "duration",
    default: 0,
    help: "status: how long to wait at most; 0 for as long as it takes",
  },
  watch: { kind: "boolean", default: true, help: "status: wait for the end" },
} as const;

const verbs = ["status", "history", "undo", "restart", "pause", "resume"] as const;

interface Subject {
  readonly client: RestClient;
  readonly resource: DiscoveredResource;
  readonly ref: Ref & { readonly namespace: string };
  readonly shown: string;
  readonly io: CommandIo;
}

export const rolloutCommand = command({
  name: "rollout",
  summary: "follow, repeat, hold or undo the rollout of a workload",
  usage: "status|history|undo|restart|pause|resume KIND/NAME",
  words: [verbs, "object"],
  flags,
  examples: ["pintle rollout status deployment/web", "pintle rollout undo deployment/web --to-revision 2"],
  async run({ flags: given, words }, io) {
    const [said, ...rest] = words;
    const verb = verbs.find((one) => one === said);
    if (verb === undefined) throw new UsageError(`what to do? One of ${verbs.join(", ")}`);
    if (rest.length === 0) throw new UsageError("of what? For example: deployment/web");
    const client = io.client(given);
    const { resource, name } = parseOne(await discover(client), rest);
    const ref = { name, namespace: namespaceOf(given, client) };
    const subject = { client, resource, ref, shown: shownName(resource, name), io };
    switch (verb) {
      case "status":
        return status(subject, { timeoutMs: given.timeout, watch: given.watch });
      case "history":
        return history(subject);
      case "undo":
        return undo(subject, given["to-revision"]);
      case "restart":
        return restart(subject);
      case "pause":
        return hold(subject, true);
      case "resume":
        return hold(subject, false);
    }
  },
});

function status(
  subject: Subject,
  options: { readonly timeoutMs: number; readonly watch: boolean },
): Promise<number> {
  switch (subject.resource.kind) {
    case "Deployment":
      return followRollout<Deployment>(subject, resources.deployments, deploymentRollout, options);
    case "DaemonSet":
      return followRollout<DaemonSet>(subject, resources.daemonsets, daemonSetRollout, options);
    default:
      throw new UsageError(
        `rollout status knows deployments and daemon sets, not ${subject.resource.plural}`,
      );
  }
}

/** Prints each new state until the rollout ends. Watches from the state as it is, so nothing is missed. */
async function followRollout<T>(
  { client, ref, io }: Subject,
  resource: Resource<T>,
  stateOf: (object: T) => RolloutState,
  options: { readonly timeoutMs: number; readonly watch: boolean },
): Promise<number> {
  await client.get(resource, ref); // a missing object is an error at once
  const ended = new AbortController();
  const stop = () => ended.abort(io.signal.reason);
  io.signal.addEventListener("abort", stop, { once: true });
  const late = new OperatorError("timed out waiting for the condition");
  const cancel =
    options.timeoutMs > 0 ? systemClock.after(options.timeoutMs, () => ended.abort(late)) : () => {};
  const scope = { namespace: ref.namespace, fieldSelector: `metadata.name=${ref.name}` };
  let said = "";
  try {
    for (;;) {
      const watch = client.watch(
        resource,
        { ...scope, sendInitialEvents: true, allowWatchBookmarks: true },
        ended.signal,
      );
      for await (const event of watch) {
        if (event.type === "BOOKMARK") continue;
        if (event.type === "DELETED") throw new OperatorError("the object was deleted");
        const { state, message } = stateOf(event.object);
        if (state === "failed") throw new OperatorError(message);
        if (message !== said) io.stdout(`${message}\n`);
        said = message;
        if (state === "done" || !options.watch) return 0;
      }
    }
  } catch (error) {
    if (io.signal.aborted) return 130;
    throw error;
  } finally {
    cancel();
    io.signal.removeEventListener("abort", stop);
  }
}

async function history(subject: Subject): Promise<number> {
  const { revisions } = await withRevisions(subject, "history");
  const rows = revisions.map(({ number, cause }) => [String(number), cause ?? "<none>"]);
  subject.io.stdout(`${subject.shown} \n${aligned([["REVISION", "CHANGE-CAUSE"], ...rows], 2)}`);
  return 0;
}

async function undo(subject: Subject, wanted: number): Promise<number> {
  const { client, resource, ref, shown, io } = subject;
  const { object, revisions } = await withRevisions(subject, "undo");
  const rollback = rollbackTo(object as unknown as Rolling, revisions, wanted);
  if (rollback.is === "refused") throw new OperatorError(rollback.why);
  if (rollback.is === "skipped") {
    io.stdout(`${shown} skipped rollback (${rollback.why})\n`);
    return 0;
  }
  await client.patch(resource, ref, rollback.patch, { type: rollback.type, fieldManager: "pintle" });
  io.stdout(`${shown} rolled back\n`);
  return 0;
}

async function withRevisions(
  { client, resource, ref }: Subject,
  verb: string,
): Promise<{ readonly object: KubeObject; readonly revisions: readonly Revision[] }> {
  switch (resource.kind) {
    case "Deployment": {
      const object = await client.get(resources.deployments, ref);
      return { object: { ...object }, revisions: await deploymentRevisions(client, object) };
    }
    case "StatefulSet":
    case "DaemonSet": {
      const object = await client.get<KubeObject>(resource, ref);
      return { object, revisions: await setRevisions(client, object) };
    }
    default:
      throw new UsageError(
        `rollout ${verb} knows deployments, stateful sets and daemon sets, not ${resource.plural}`,
      );
  }
}

async function hold({ client, resource, ref, shown, io }: Subject, isHeld: boolean): Promise<number> {
  const verb = isHeld ? "pause" : "resume";
  if (resource.kind !== "Deployment")
    throw new UsageError(`rollout ${verb} knows deployments, not ${resource.plural}`);
  const { spec } = await client.get(resources.deployments, ref);
  const done = `${verb}d`;
  if ((spec.paused ?? false) === isHeld)
    throw new OperatorError(isHeld ? `${shown} is already paused` : `${shown} is not paused`);
  const patch = { spec: { paused: isHeld ? true : null } };
  await client.patch(resource, ref, patch, { type: "strategic", fieldManager: "pintle" });
  io.stdout(`${shown} ${done}\n`);
  return 0;
}

async function restart({ client, resource, ref, shown, io }: Subject): Promise<number> {
  const restartedAt = new Date(systemClock.wallMs()).toISOString();
  const annotations = { "kubectl.kubernetes.io/restartedAt": restartedAt };
  const patch = { spec: { template: { metadata: { annotations } } } };
  await client.patch(resource, ref, patch, { type: "strategic", fieldManager: "pintle" });
  io.stdout(`${shown} restarted\n`);
  return 0;
}
