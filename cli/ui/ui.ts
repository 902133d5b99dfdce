import { setTimeout as pause } from "node:timers/promises";
import { UsageError } from "../../base/os/flags.ts";
import { contextNames, currentContext } from "../../client/kubeconfig.ts";
import { command, OperatorError } from "../command.ts";
import { discover } from "../kubectl/discovery.ts";
import { clusterFlags, namespaceOf } from "../kubectl/flags.ts";
import type { Place } from "./app.ts";

const flags = {
  ...clusterFlags,
  "all-namespaces": { kind: "boolean", short: "A", help: "begin with objects of every namespace" },
  readonly: { kind: "boolean", help: "take away every key that changes something in the cluster" },
  command: {
    kind: "string",
    short: "c",
    value: "COMMAND",
    help: 'begin with this instead of pods, e.g. "deploy /web"',
  },
} as const;

export const uiCommand = command({
  name: "ui",
  summary: "look at a cluster in the terminal, with the keys of k9s",
  usage: "[KIND]",
  words: ["object"],
  flags,
  examples: [
    "pintle ui                       # ? lists the keys",
    "pintle ui deployments -n shop",
    "pintle ui -A --readonly",
    'pintle ui -c "pods kube-system /dns"',
  ],
  async run({ flags: given, words }, io) {
    if (words.length > 1) throw new UsageError(`unexpected word "${words[1]}"`);
    if (words.length > 0 && given.command !== undefined) throw new UsageError("--command: not beside a kind");
    if (!io.stdin.isTTY || !process.stdout.isTTY)
      throw new OperatorError(
        "this needs a terminal; without one there are: pintle get, pintle why, pintle dashboard",
      );
    const placeOf = async (context: string | undefined): Promise<Place> => {
      const client = io.client({ kubeconfig: given.kubeconfig, context });
      try {
        const [kinds, version] = await Promise.all([discover(client), versionOf(client)]);
        const { names, current } = contextsOf(given.kubeconfig);
        return { client, kinds, version, context: context ?? current, contexts: names };
      } catch (error) {
        client.close();
        throw error;
      }
    };
    const place = await placeOf(given.context);
    const { runScreen } = await loadScreen();
    await runScreen({
      place,
      placeOf,
      namespace: given["all-namespaces"] ? undefined : namespaceOf(given, place.client),
      isReadonly: given.readonly ?? false,
      begin: given.command ?? words[0] ?? "pods",
      signal: io.signal,
    });
    await pause(0); // what was still to be written to the terminal
    return 0;
  },
});

/** Drawing is much to load, and only this command draws. Where the environment speaks of CI, Ink would draw nothing but the end; it
 *  looks once, while it is loaded. */
async function loadScreen() {
  const { CI } = process.env;
  process.env.CI = "false";
  try {
    return await import("./run-screen.tsx");
  } finally {
    if (CI === undefined) delete process.env.CI;
    else process.env.CI = CI;
  }
}

async function versionOf(client: Place["client"]): Promise<string> {
  const version: unknown = JSON.parse(await client.raw("GET", "/version"));
  return typeof version === "object" && version !== null && "gitVersion" in version
    ? String(version.gitVersion)
    : "";
}

function contextsOf(kubeconfig: string | undefined): {
  readonly names: readonly string[];
  readonly current: string | undefined;
} {
  try {
    return { names: contextNames(kubeconfig), current: currentContext(kubeconfig) };
  } catch {
    return { names: [], current: undefined }; // the newest `pintle up` needs no kubeconfig of the person's
  }
}
