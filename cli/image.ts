import { join } from "node:path";
import { importImage } from "../agent/images/import-image.ts";
import { ImageStore } from "../agent/images/store.ts";
import { letPodsRead } from "../agent/pod-umask.ts";
import { UsageError } from "../base/os/flags.ts";
import { command, OperatorError } from "./command.ts";
import { readClusterState } from "./up/cluster-state.ts";
import { clusterLayout, defaultFolder } from "./up/layout.ts";
import { addressing } from "./up/topology.ts";

const flags = {
  "data-dir": {
    kind: "string",
    help: "the cluster's folder (default $PINTLE_HOME or ~/.pintle)",
    value: "DIR",
  },
  "root-dir": {
    kind: "string",
    help: "one agent's --root-dir, instead of a local cluster's nodes",
    value: "DIR",
  },
  name: { kind: "string", help: "call the image this, instead of what the archive says", value: "NAME" },
} as const;

export const imageCommand = command({
  name: "image",
  summary: "import and list images of the nodes",
  usage: "import FILE… | list",
  flags,
  envPrefix: "PINTLE_",
  examples: ["docker save web:1 | gzip > web.tar.gz && pintle image import web.tar.gz", "pintle image list"],
  async run({ flags: given, words }, io) {
    const [verb, ...files] = words;
    if (verb !== "import" && verb !== "list")
      throw new UsageError(`"${verb ?? ""}" is not a verb; use import or list`);
    if (verb === "import" && files.length === 0)
      throw new UsageError("import: which file? An OCI layout or a docker-archive");
    letPodsRead();
    for (const { folder, layersDir } of imageFolders(given["root-dir"], given["data-dir"], io.env)) {
      const store = await ImageStore.open(folder, { layersDir });
      if (verb === "list") {
        for (const image of await store.list())
          io.stdout(
            `${image.names.join(", ")}  ${image.id.slice(0, 19)}  ${Math.round(image.sizeBytes / 1e6)} MB\n`,
          );
        continue;
      }
      for (const file of files) {
        const options = given.name === undefined ? {} : { name: given.name };
        for (const image of await importImage(store, file, options))
          io.stdout(`${folder}: ${image.names.join(", ") || image.id}\n`);
      }
    }
    return 0;
  },
});

function imageFolders(
  rootDir: string | undefined,
  dataDir: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): { readonly folder: string; readonly layersDir?: string }[] {
  if (rootDir !== undefined) return [{ folder: join(rootDir, "images") }];
  const layout = clusterLayout(defaultFolder(dataDir, env));
  const state = readClusterState(layout);
  if (state === undefined)
    throw new OperatorError(
      `no cluster in ${layout.folder}; start one with "pintle up", or name an agent's --root-dir`,
    );
  return addressing(state.plan).nodes.map((node) => ({
    folder: join(layout.node(node.name), "images"),
    layersDir: layout.imageLayers,
  }));
}
