import { assert } from "../../base/assert.ts";
import type { Os } from "../../base/os/os.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { ApiClient } from "../../client/api.ts";
import type { EventRecorder } from "../../client/events.ts";
import { keepMirrors } from "./keep-mirrors.ts";
import { StaticPods, type StaticPodsConfig } from "./keep-static-pods.ts";
import type { NodePods } from "./node-pods.ts";
import type { ReadManifest } from "./static-pod.ts";

export interface StaticPodsParts {
  readonly os: Os;
  readonly client: ApiClient;
  readonly tasks: TaskScope;
  readonly events: Pick<EventRecorder, "record">;
  readonly pods: NodePods;
  /** Begins to run the node's pods, once those of files are known. */
  readonly start: () => Promise<void>;
}

/** Adds what the files say, where there are any, to the node's pods, and keeps mirrors; deletes those of files that are no more. */
export async function startStaticPods(
  config: {
    readonly nodeName: string;
    readonly manifests: StaticPodsConfig | undefined;
    readonly read: ReadManifest | undefined;
  },
  { os, client, tasks, events, pods, start }: StaticPodsParts,
): Promise<void> {
  const { nodeName, manifests, read } = config;
  const { clock, log } = os;
  if (manifests === undefined) await start();
  else {
    assert(read !== undefined, "somebody reads the files of static pods");
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: nodeName, uid: nodeName } };
    const onProblem = (file: string, problem: string) => {
      log.error("cannot take a static pod's file", { file, problem });
      events.record(node, { type: "Warning", reason: "InvalidStaticPod", message: `${file}: ${problem}` });
    };
    const files = new StaticPods(manifests, {
      reader: { nodeName, read },
      setStatic: (wanted) => pods.setStatic(wanted),
      onProblem,
      clock,
      log,
    });
    await files.read();
    await start();
    tasks.run("static pods", (signal) => files.follow(signal));
  }
  tasks.run("mirror pods", (signal) => keepMirrors({ ...os, client, pods, nodeName }, signal));
}
