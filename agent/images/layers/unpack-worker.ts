import { parentPort } from "node:worker_threads";
import { describeError } from "../../../base/os/log.ts";
import { flatten } from "./layer-tree.ts";
import { unpackLayer } from "./unpack-layer.ts";
import type { LayerAnswer, LayerTask } from "./unpack-thread.ts";

/** The thread that makes trees, one after the other. */
const port = parentPort;
let last = Promise.resolve();
port?.on("message", (task: LayerTask) => {
  last = last.then(async () => port.postMessage(await answer(task)));
});

async function answer(task: LayerTask): Promise<LayerAnswer> {
  try {
    if (task.kind === "unpack") return { unpacked: await unpackLayer(task) };
    flatten(task.tree, task.below);
    return {};
  } catch (error) {
    return { failure: describeError(error) };
  }
}
