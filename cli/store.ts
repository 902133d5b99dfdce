import type { FlagValues, Parsed } from "../base/os/flags.ts";
import { describeError } from "../base/os/log.ts";
import type { Os } from "../base/os/os.ts";
import { rotationOf } from "../base/os/rotated-file.ts";
import { startStore } from "../store/compose.ts";
import {
  type StoreConfig,
  serverVersion,
  storeConfig,
  storeFileSections,
  storeFlags,
  unknownVariables,
} from "../store/flags.ts";
import { foreignWarnings } from "../store/foreign-flags.ts";
import { logLevels } from "../store/log-flag-rows.ts";
import { ignoredTlsFlags } from "../store/tls-flags.ts";
import { type CommandIo, command } from "./command.ts";
import { openFailpoints } from "./failpoints.ts";
import { logWriter } from "./log-outputs.ts";
import { notifySystemd } from "./notify-systemd.ts";
import { systemOs, untilStopped } from "./run-component.ts";

export const storeCommand = command<typeof storeFlags>({
  name: "store",
  summary: "run one member of the replicated store (etcd's flags and API)",
  flags: storeFlags,
  envPrefix: "ETCD_",
  fileSections: storeFileSections,
  examples: [
    "pintle store --data-dir /var/lib/pintle",
    "pintle store --name a --initial-cluster a=http://127.0.0.1:2380,b=http://127.0.0.1:2480,c=http://127.0.0.1:2580 …",
  ],
  async run(parsed, io) {
    if (parsed.flags.version) {
      // Tools that start members look for the first line.
      io.stdout(`etcd Version: ${serverVersion}\nNode Version: ${process.versions.node}\n`);
      return 0;
    }
    return await runMember(parsed, io);
  },
});

/** Runs a member until it ends or is to stop. */
export async function runMember(
  { flags, given }: Parsed<typeof storeFlags>,
  io: Pick<CommandIo, "env" | "signal">,
): Promise<number> {
  const config = storeConfig(flags);
  const os = storeOs(flags);
  for (const { flag, why } of [...foreignWarnings(flags, given), ...ignoredTlsFlags(flags)])
    os.log.warn("flag has no effect", { flag, why });
  for (const name of unknownVariables(io.env)) os.log.warn("unrecognized environment variable", { name });
  const closeFailpoints = await openFailpoints(io.env, os.log);
  try {
    return await runStore(config, os, io);
  } finally {
    closeFailpoints();
  }
}

async function runStore(config: StoreConfig, os: Os, io: Pick<CommandIo, "env" | "signal">): Promise<number> {
  const store = await startStore(config, os, { signal: io.signal });
  store.ready.then(() => notifySystemd(io.env, os.log));
  io.signal.addEventListener("abort", () =>
    os.log.info("received signal; shutting down", { signal: describeError(io.signal.reason) }),
  );
  return await untilStopped(store, io);
}

/** The doors to the outside, with the log that the flags describe. */
export function storeOs(flags: FlagValues<typeof storeFlags>): Os {
  const level = logLevels.get(flags["log-level"]) ?? "info";
  const format = flags["log-format"];
  const rotation = flags["enable-log-rotation"] ? rotationOf(flags["log-rotation-config-json"]) : undefined;
  const os = systemOs(level, format, logWriter(flags["log-outputs"], rotation));
  return { ...os, log: os.log.child("store") };
}
