import { join } from "node:path";
import type { Image } from "../agent/images/image.ts";
import { importIntoAll } from "../agent/images/import-image.ts";
import { pullImage } from "../agent/images/pull.ts";
import type { PullProgress } from "../agent/images/pull-progress.ts";
import { parseReference } from "../agent/images/reference.ts";
import { readRegistries } from "../agent/images/registries-file.ts";
import { ImageStore } from "../agent/images/store.ts";
import { letPodsRead } from "../agent/pod-umask.ts";
import { systemClock } from "../base/os/clock.ts";
import { UsageError } from "../base/os/flags.ts";
import { type CommandIo, command, OperatorError } from "./command.ts";
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
  "registries-file": {
    kind: "string",
    help: "mirrors, authorities and logins of registries (default registries.yaml in the cluster's folder)",
    value: "FILE",
  },
  name: { kind: "string", help: "call the image this, instead of what the archive says", value: "NAME" },
} as const;

export const imageCommand = command({
  name: "image",
  summary: "import, pull and list images of the nodes",
  usage: "import FILE… | pull NAME… | list",
  words: [["import", "pull", "list"], "file"],
  flags,
  envPrefix: "PINTLE_",
  examples: [
    "docker save web:1 | gzip > web.tar.gz && pintle image import web.tar.gz",
    "pintle image pull registry.example.com/web:1",
    "pintle image list",
  ],
  async run({ flags: given, words }, io) {
    const [verb, ...files] = words;
    if (verb !== "import" && verb !== "pull" && verb !== "list")
      throw new UsageError(
        `${verb === undefined ? "what to do?" : `"${verb}" is not known;`} One of import, pull and list`,
      );
    if (verb === "import" && files.length === 0)
      throw new UsageError("import: which file? An OCI layout or a docker-archive");
    if (verb === "pull" && files.length === 0) throw new UsageError("pull: which image?");
    letPodsRead();
    const registriesFile =
      given["registries-file"] ??
      (given["root-dir"] === undefined
        ? clusterLayout(defaultFolder(given["data-dir"], io.env)).registries
        : undefined);
    const nodes: { readonly folder: string; readonly store: ImageStore }[] = [];
    for (const { folder, ...where } of imageFolders(given["root-dir"], given["data-dir"], io.env))
      nodes.push({ folder, store: await ImageStore.open(folder, where) });
    if (verb === "list") {
      for (const { store } of nodes)
        for (const image of await store.list())
          io.stdout(
            `${image.names.join(", ")}  ${image.id.slice(0, 19)}  ${Math.round(image.sizeBytes / 1e6)} MB\n`,
          );
      return 0;
    }
    const tell = ({ folder }: { readonly folder: string }, images: readonly Image[]) => {
      for (const image of images) io.stdout(`${folder}: ${image.names.join(", ") || image.id}\n`);
    };
    for (const file of files) {
      const told = progressOf(file, io);
      if (verb === "pull")
        for (const node of nodes) {
          const image = await pullImage(node.store, parseReference(file), {
            onProgress: (progress) => told(pulledText(progress)),
            registries: await readRegistries(registriesFile),
            signal: io.signal,
          });
          tell(node, [image]);
        }
      else {
        const stores = nodes.map(({ store }) => store);
        let layers = 0;
        const imported = await importIntoAll(stores, file, {
          onLayer: () => told(`${++layers} layers`),
          signal: io.signal,
          ...(given.name !== undefined && { name: given.name }),
        });
        for (const [at, node] of nodes.entries()) tell(node, imported[at] ?? []);
      }
    }
    return 0;
  },
});

const quietMs = 1000;

/** Tells every second how far it is, once it takes long. */
function progressOf(file: string, { stderr }: Pick<CommandIo, "stderr">) {
  const startedMs = systemClock.monotonicMs();
  let toldMs = startedMs;
  return (soFar: string): void => {
    const nowMs = systemClock.monotonicMs();
    if (nowMs - toldMs < quietMs) return;
    toldMs = nowMs;
    stderr(`${file}: ${soFar} after ${((nowMs - startedMs) / 1000).toFixed(1)} s\n`);
  };
}

const pulledText = ({ layers, layersAll, bytes, bytesAll }: PullProgress): string => {
  const [some, all] = [bytes, bytesAll].map((count) => Math.round(count / 1e6));
  return `${some} of ${all} MB, ${layers} of ${layersAll} layers`;
};

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
