import { sleep, systemClock } from "../../base/os/clock.ts";
import { UsageError } from "../../base/os/flags.ts";
import { isNotFound } from "../../client/api-error.ts";
import type { RestClient } from "../../client/rest.ts";
import type { KubeObject, Ref } from "../../client/types.ts";
import { type CommandIo, command, OperatorError } from "../command.ts";
import { type DiscoveredResource, discover, resourceFor } from "./discovery.ts";
import { clusterFlags, namespaceOf } from "./flags.ts";
import { readManifests } from "./manifests.ts";
import { parseTargets } from "./targets.ts";

const flags = {
  ...clusterFlags,
  filename: { kind: "list", short: "f", value: "FILE", help: "delete what these files name" },
  selector: { kind: "string", short: "l", value: "LABELS", help: "delete what has these labels" },
  all: { kind: "boolean", help: "delete all of the kind in the namespace" },
  cascade: {
    kind: "string",
    default: "background",
    choices: ["background", "foreground", "orphan"],
    help: "background, foreground or orphan: what becomes of what it owns",
  },
  "grace-period": { kind: "integer", value: "SECONDS", help: "how long pods have to end" },
  now: { kind: "boolean", help: "the same as --grace-period=1" },
  "ignore-not-found": { kind: "boolean", help: "it is no failure if there is nothing to delete" },
  wait: { kind: "boolean", default: true, help: "wait until it is gone" },
  timeout: { kind: "duration", default: 0, help: "how long to wait at most; 0 for as long as it takes" },
} as const;

const policies = { background: "Background", foreground: "Foreground", orphan: "Orphan" } as const;
const pollMs = 200;

interface Doomed {
  readonly resource: DiscoveredResource;
  readonly ref: Ref;
}

export const deleteCommand = command({
  name: "delete",
  summary: "delete objects",
  usage: "KIND NAME... | KIND/NAME... | -f FILE",
  words: ["object"],
  flags,
  examples: ["pintle delete pod web-1", "pintle delete -f web.yaml", "pintle delete pods -l app=web"],
  async run({ flags: given, words }, io) {
    if (words.length === 0 && given.filename === undefined)
      throw new UsageError("delete what? For example: pod/web-1, or -f FILE");
    const client = io.client(given);
    const policy = policies[given.cascade];
    const grace = given.now ? 1 : given["grace-period"];
    const doomed = await choose(client, given, words, io);
    const going: (Doomed & { readonly uid: string })[] = [];
    for (const one of doomed) {
      try {
        const before = await client.get<KubeObject>(one.resource, one.ref);
        await client.delete(one.resource, one.ref, {
          propagationPolicy: policy,
          ...(grace !== undefined && { gracePeriodSeconds: grace }),
        });
        going.push({ ...one, uid: before.metadata.uid });
        const group = one.resource.group === "" ? "" : `.${one.resource.group}`;
        io.stdout(`${one.resource.singular}${group} "${one.ref.name}" deleted\n`);
      } catch (error) {
        if (!isNotFound(error) || !given["ignore-not-found"]) throw error;
      }
    }
    if (given.wait) await untilGone(client, going, given.timeout, io);
    return 0;
  },
});

async function choose(
  client: RestClient,
  given: {
    readonly namespace: string | undefined;
    readonly filename: readonly string[] | undefined;
    readonly selector: string | undefined;
    readonly all: boolean | undefined;
  },
  words: readonly string[],
  io: CommandIo,
): Promise<readonly Doomed[]> {
  const kinds = await discover(client);
  const namespace = namespaceOf(given, client);
  if (given.filename !== undefined && given.filename.length > 0) {
    const manifests = await readManifests(given.filename, io.stdin);
    return manifests.map(({ apiVersion, kind, metadata }) => ({
      resource: resourceFor(kinds, apiVersion, kind),
      ref: { name: metadata.name, namespace: metadata.namespace ?? namespace },
    }));
  }
  const doomed: Doomed[] = [];
  for (const { resource, names } of parseTargets(kinds, words)) {
    if (names.length === 0 && !given.all && !given.selector)
      throw new UsageError("which ones? Give names, --selector or --all");
    const listed =
      names.length > 0
        ? names
        : (
            await client.list<KubeObject>(resource, {
              namespace: resource.namespaced ? namespace : undefined,
              labelSelector: given.selector,
            })
          ).items.map(({ metadata }) => metadata.name);
    doomed.push(...listed.map((name) => ({ resource, ref: { name, namespace } })));
  }
  return doomed;
}

async function untilGone(
  client: RestClient,
  going: readonly (Doomed & { readonly uid: string })[],
  timeoutMs: number,
  io: CommandIo,
): Promise<void> {
  const giveUpMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : systemClock.monotonicMs() + timeoutMs;
  for (const { resource, ref, uid } of going) {
    for (;;) {
      try {
        const still = await client.get<KubeObject>(resource, ref);
        if (still.metadata.uid !== uid) break;
      } catch (error) {
        if (isNotFound(error)) break;
        throw error;
      }
      if (systemClock.monotonicMs() > giveUpMs)
        throw new OperatorError(`timed out waiting for ${resource.singular} ${ref.name} to go`);
      await sleep(systemClock, pollMs, io.signal);
    }
  }
}
