import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { backoffMs } from "../../base/backoff.ts";
import { sleep } from "../../base/os/clock.ts";
import { type FlagTable, parseFlags } from "../../base/os/flags.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { Os } from "../../base/os/os.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { RestClient } from "../../client/rest.ts";
import { OperatorError } from "../command.ts";
import { prepareCredentials } from "../up/credentials.ts";
import { ensureIngressClass } from "../up/ingress-class.ts";
import { clusterLayout, type Layout } from "../up/layout.ts";
import { ensureLocalPathClass } from "../up/local-path-class.ts";
import { joinWords } from "./join-line.ts";
import { partArguments, type Standalone } from "./standalone-flags.ts";
import { createToken } from "./token-create.ts";

/** The machine's addresses of IPv4, without the loopback. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
}

/** Makes what the parts are told of, and resolves with their flags by name (`apiserver.secure-port`). */
export async function prepareStandalone(
  config: Standalone,
  tables: Readonly<Record<string, FlagTable>>,
): Promise<Readonly<Record<string, unknown>>> {
  const layout = clusterLayout(resolve(config.dataDir));
  const url = `https://127.0.0.1:${config.apiPort}`;
  try {
    await makeFolder(layout.folder, 0o700);
    await prepareCredentials(layout, {
      nodes: [],
      apiAddresses: config.addresses,
      apiNames: config.names,
      apiUrls: [url],
      internalApiUrls: [url],
      kubernetesServiceIp: config.kubernetesServiceIp,
    });
  } catch (error) {
    throw new OperatorError(
      `--data-dir: cannot write to ${layout.folder}: ${error instanceof Error ? error.message : error}`,
    );
  }
  return standaloneValues(config, layout, tables);
}

/** Only those that are said: all others stay as they are. */
export function standaloneValues(
  config: Standalone,
  layout: Layout,
  tables: Readonly<Record<string, FlagTable>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(partArguments(config, layout)).flatMap(([part, argv]) => {
      const { flags, given } = parseFlags(tables[part] ?? {}, argv);
      const values = flags as Readonly<Record<string, unknown>>;
      return [...given].map((name) => [`${part}.${name}`, values[name]]);
    }),
  );
}

const retry = { firstMs: 100, mostMs: 2_000 } as const;
/** For who reads the line off a terminal. */
const shownTokenMs = 3_600_000;

export interface Announcing {
  readonly os: Pick<Os, "clock" | "log" | "random">;
  readonly signal: AbortSignal;
  /** A person's terminal; a log gets no token. */
  readonly terminal: ((text: string) => void) | undefined;
}

/** Once the server answers, sees to what a whole cluster has, and says how machines join it. */
export async function announce(config: Standalone, { os, signal, terminal }: Announcing): Promise<void> {
  const layout = clusterLayout(resolve(config.dataDir));
  const client = new RestClient(loadKubeconfig(layout.kubeconfig), { userAgent: "pintle-server" });
  try {
    for (let failures = 1; ; failures++) {
      try {
        await ensureLocalPathClass(client);
        await ensureIngressClass(client);
        const line = (await joinWords(client)).join(" ");
        if (terminal === undefined) {
          os.log.info("ready for other machines", {
            kubeconfig: layout.kubeconfig,
            join: `${line} --token-file=FILE`,
          });
          os.log.info("what FILE is to hold: pintle token create");
          return;
        }
        const token = await createToken(client, {
          ttlMs: shownTokenMs,
          description: "shown by pintle server",
        });
        terminal(
          `\nTo join another machine, there, within an hour:\n\n  PINTLE_TOKEN=${token} ${line}\n\n` +
            `Another token: pintle token create\nkubectl: export KUBECONFIG=${layout.kubeconfig}\n\n`,
        );
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (failures === 20) os.log.warn("cannot say yet how machines join", { error });
        await sleep(os.clock, backoffMs(retry, failures, os.random), signal);
      }
    }
  } finally {
    client.close();
  }
}
