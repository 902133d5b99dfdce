import { flatten } from "../layers/layer-tree.ts";
import { unpackLayer } from "../layers/unpack-layer.ts";
import type { Unpacker } from "../layers/unpack-thread.ts";

/** Unpacks in the test's own thread, for a thread from the sources takes seconds to begin. Cannot be stopped in the middle. */
export const unpackHere = (): Unpacker => ({
  unpack: (task) => unpackLayer(task),
  flatten: async (tree, below) => flatten(tree, below),
  stop: async () => undefined,
});
