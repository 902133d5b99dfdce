import { startStore } from "../store/compose.ts";
import { serverVersion, storeConfig, storeFlags, unknownVariables } from "../store/flags.ts";
import { command } from "./command.ts";
import { systemOs, untilStopped } from "./run-component.ts";

export const storeCommand = command<typeof storeFlags>({
  name: "store",
  summary: "run one member of the replicated store (etcd's flags and API)",
  flags: storeFlags,
  envPrefix: "ETCD_",
  examples: [
    "pintle store --data-dir /var/lib/pintle",
    "pintle store --name a --initial-cluster a=http://127.0.0.1:2380,b=http://127.0.0.1:2480,c=http://127.0.0.1:2580 …",
  ],
  async run({ flags }, io) {
    if (flags.version) {
      // Tools that start members look for the first line.
      io.stdout(`etcd Version: ${serverVersion}\nNode Version: ${process.versions.node}\n`);
      return 0;
    }
    const config = storeConfig(flags);
    const os = systemOs(flags["log-level"], "json");
    for (const name of unknownVariables(io.env)) os.log.warn("unrecognized environment variable", { name });
    return await untilStopped(await startStore(config, os), io);
  },
});
