import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type FlagTable, type FlagValues, UsageError } from "../base/os/flags.ts";
import { MetricsRegistry } from "../base/os/metrics.ts";
import type { Os, Running } from "../base/os/os.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import { apiserverConfig, apiserverFlags } from "../controlplane/apiserver/flags.ts";
import type { NearStore } from "../controlplane/apiserver/near-store.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../controlplane/controllers/flags.ts";
import { schedulerConfig, schedulerFlags } from "../controlplane/scheduler/flags.ts";
import { addressesOf } from "../store/client/endpoints.ts";
import { storeFlags } from "../store/flags.ts";
import { ThreadTransport } from "../store/thread/thread-transport.ts";
import { commonName } from "../store/transport/tls/shown-names.ts";
import { OperatorError } from "./command.ts";
import { announce, ownAddresses, prepareStandalone } from "./machines/standalone.ts";
import { type Standalone, standaloneConfig, standaloneFlags } from "./machines/standalone-flags.ts";
import { componentCommand } from "./run-component.ts";
import { type StoreBeside, startStoreThread } from "./store-beside.ts";

/** A part's own flags and how it starts; the table below forgets each part's flag types, as the flags it is handed come
 *  from the same table. */
interface Part {
  readonly flags: FlagTable;
  readonly load: () => Promise<Start<FlagTable>>;
}

type Start<T extends FlagTable> = (flags: FlagValues<T>, os: Os, beside: Beside) => Promise<Running>;

/** What all parts share, and what parts that were started before are to those after them. */
interface Beside {
  readonly log: { readonly level: string; readonly format: string };
  /** Who the API server says that it is when it connects to a store. */
  readonly apiserverName: string | undefined;
  store?: StoreBeside;
}

function part<T extends FlagTable>(flags: T, load: () => Promise<Start<T>>): Part {
  return { flags, load: load as unknown as Part["load"] };
}

/** Of a cluster that is whole: what Kubernetes leaves to an add-on is there. */
const wholeApiserverFlags = {
  ...apiserverFlags,
  "resource-metrics": { ...apiserverFlags["resource-metrics"], default: true },
} as const satisfies FlagTable;

/** A whole control-plane replica in one process: less memory, one thing to start. The store has a thread of its own, to which the
 *  API server hands its calls; the other parts talk over their sockets as they would between machines. What a part is made of
 *  is loaded when it is to run, and the API server made ready to listen, while the store's thread starts. */
const parts: Readonly<Record<string, Part>> = {
  store: part(storeFlags, async () => async (flags, _os, beside) => {
    beside.store = startStoreThread(flags, beside.log, beside.apiserverName);
    return beside.store;
  }),
  apiserver: part(wholeApiserverFlags, async () => {
    const { startApiserver } = await import("../controlplane/apiserver/start.ts");
    return async (flags, os, { store }) =>
      startApiserver(apiserverConfig(flags), os, store && nearStore(store));
  }),
  scheduler: part(schedulerFlags, async () => {
    const { startScheduler } = await import("../controlplane/scheduler/scheduler.ts");
    return async (flags, os) => startScheduler(schedulerConfig(flags), os);
  }),
  "controller-manager": part(controllerManagerFlags, async () => {
    const { startControllerManager } = await import("../controlplane/controllers/controller-manager.ts");
    return async (flags, os) => startControllerManager(controllerManagerConfig(flags), os);
  }),
};

function nearStore(store: StoreBeside): NearStore {
  const addresses = addressesOf(store.clientUrls);
  return {
    isHere: ({ address }) => addresses.has(address),
    transport: (remote) => new ThreadTransport(store, remote),
    started: store.started,
  };
}

const partNames = Object.keys(parts);

const serverFlags: FlagTable = {
  ...standaloneFlags,
  parts: {
    kind: "string",
    default: partNames.join(","),
    help: "what runs in this process; others may run in processes of their own",
  },
  ...Object.fromEntries(
    Object.entries(parts).flatMap(([prefix, { flags }]) =>
      Object.entries(flags).map(([name, row]) => [`${prefix}.${name}`, withoutShort(row)]),
    ),
  ),
};

/** Each part tells of the process that it shares with the others, as it would of its own. */
export function partMetrics(): MetricsRegistry {
  const metrics = new MetricsRegistry();
  metrics.addProcessMetrics();
  return metrics;
}

/** In the order in which they start, whatever the order they are named in. Fails with an OperatorError. */
export function chosenParts(text: string): readonly string[] {
  const named = text.split(",").map((one) => one.trim());
  const unknown = named.find((one) => !partNames.includes(one));
  if (unknown !== undefined)
    throw new OperatorError(`--parts: "${unknown}" must be one of ${partNames.join(", ")}`);
  return partNames.filter((one) => named.includes(one));
}

export const serverCommand = componentCommand({
  name: "server",
  summary: "run a whole control-plane replica in one process",
  flags: serverFlags,
  examples: [
    "pintle server --data-dir /var/lib/pintle/server        # then, elsewhere, what it says: pintle agent --server …",
    "pintle server --data-dir DIR --advertise-address 10.0.0.1 --tls-san cluster.example.com",
    "pintle server --store.data-dir DIR --apiserver.etcd-servers https://127.0.0.1:2379 …",
    "pintle server --parts store,apiserver --store.data-dir DIR …",
  ],
  async start(asked, os, { given }) {
    const standalone = standaloneConfig(
      asked as unknown as FlagValues<typeof standaloneFlags>,
      given,
      ownAddresses(),
    );
    const flags = standalone === undefined ? asked : await withStandalone(standalone, asked, given);
    const chosen = chosenParts(String(flags.parts));
    if (chosen.includes("apiserver") && String(flags["apiserver.etcd-servers"]) === "")
      throw new UsageError(
        "--data-dir: where does it keep everything? For example /var/lib/pintle/server. Without it, each part needs flags of its own, first of all --apiserver.etcd-servers",
      );
    const scope = new TaskScope(os.log);
    const running: { readonly name: string; readonly part: Running }[] = [];
    const log = { level: String(flags["log-level"]), format: String(flags["log-format"]) };
    const certificate = flags["apiserver.etcd-certfile"];
    const beside: Beside = { log, apiserverName: certificate ? nameIn(String(certificate)) : undefined };
    const stopAll = async () => {
      for (const { part } of running.reverse().splice(0)) await part.stop();
    };
    try {
      // In this order, and the store first: the others retry until it answers, but starting is faster without.
      const loading = chosen.flatMap((name) => {
        const definition = parts[name];
        return definition === undefined ? [] : [{ name, definition, start: definition.load() }];
      });
      for (const { name, definition, start } of loading) {
        const own = { ...os, log: os.log.child(name), metrics: partMetrics() };
        const part = await (await start)(flagsOf(name, definition, flags), own, beside);
        part.done.catch(() => undefined); // the scope hears of it below
        running.push({ name, part });
      }
      await beside.store?.started;
      for (const { name, part } of running) scope.run(name, () => part.done);
      const terminal = process.stdout.isTTY ? (text: string) => void process.stdout.write(text) : undefined;
      if (standalone !== undefined)
        scope.run("announcing", (signal) => announce(standalone, { os, signal, terminal }));
    } catch (error) {
      await stopAll();
      throw error;
    }
    scope.signal.addEventListener("abort", () => void stopAll(), { once: true });
    return {
      done: scope.untilStopped(),
      async stop() {
        await stopAll();
        await scope.stop();
      },
    };
  },
});

/** What was given stays as it was given. */
async function withStandalone(
  standalone: Standalone,
  asked: FlagValues<FlagTable>,
  given: ReadonlySet<string>,
): Promise<FlagValues<FlagTable>> {
  const tables = Object.fromEntries(Object.entries(parts).map(([name, { flags }]) => [name, flags]));
  const made = await prepareStandalone(standalone, tables);
  const own = Object.fromEntries(Object.entries(made).filter(([name]) => !given.has(name)));
  return { ...asked, ...own } as FlagValues<FlagTable>;
}

/** The common name in a certificate's file; undefined where there is none to read, of which the API server says more. */
function nameIn(path: string): string | undefined {
  try {
    return commonName(new X509Certificate(readFileSync(path)));
  } catch {
    return undefined; // the API server refuses to start with it
  }
}

function flagsOf(name: string, definition: Part, all: FlagValues<FlagTable>): FlagValues<FlagTable> {
  return Object.fromEntries(
    Object.keys(definition.flags).map((flag) => [flag, all[`${name}.${flag}`]]),
  ) as FlagValues<FlagTable>;
}

function withoutShort(row: FlagTable[string]): FlagTable[string] {
  const { short: _, ...rest } = row;
  return rest;
}
