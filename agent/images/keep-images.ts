import type { Os } from "../../base/os/os.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { EventRecorder, EventSubject } from "../../client/events.ts";
import type { Runtime } from "../runtime/seam.ts";
import { readFolderUse } from "../stats/machine-use.ts";
import { collectedImages, ImageGc, keepImageSpace } from "./image-gc.ts";
import type { ImageManager } from "./image-manager.ts";
import type { ImageSource } from "./image-source.ts";
import type { ImageGcPolicy } from "./plan-image-gc.ts";

export interface KeepImagesDeps {
  readonly os: Os;
  readonly tasks: TaskScope;
  readonly runtime: Pick<Runtime, "listContainers">;
  readonly events: Pick<EventRecorder, "record">;
  readonly node: EventSubject;
}

/** Collects what is not used of a container runtime's images and of our own, or of our own alone. What it answers removes all that
 *  is not used at once, and tells how many bytes that was. */
export function keepImages(
  policy: ImageGcPolicy,
  sources: ReadonlyMap<ImageSource, Pick<ImageManager, "holds">>,
  { os, tasks, runtime, events, node }: KeepImagesDeps,
): () => Promise<number> {
  const all: ImageGc[] = [];
  const collected = collectedImages(os.metrics);
  for (const [source, { holds }] of sources) {
    const deps = {
      source,
      holds,
      runtime,
      space: async () => readFolderUse(await source.folder()),
      clock: os.clock,
      log: os.log,
      collected,
      onTrouble: (reason: string, message: string) =>
        events.record(node, { type: "Warning", reason, message }),
    };
    const gc = new ImageGc(policy, deps);
    all.push(gc);
    tasks.run("image garbage collection", (signal) => keepImageSpace(gc, deps, signal));
  }
  return async () => {
    let freedBytes = 0;
    for (const gc of all) freedBytes += await gc.deleteUnused();
    return freedBytes;
  };
}
