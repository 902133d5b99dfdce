import { strict as assert } from "node:assert";
import type { EventInput } from "../../client/events.ts";
import type { Pod } from "../../client/types.ts";
import { ImageUnavailable, type PullRequest } from "../images/image-manager.ts";
import { imageVolumes } from "./image-volumes.ts";

const container = {
  name: "c",
  volumeMounts: [
    { name: "a", mountPath: "/a" },
    { name: "e", mountPath: "/e" },
  ],
};
const pod = {
  metadata: { name: "p", namespace: "n", uid: "u" },
  spec: {
    containers: [container],
    volumes: [
      { name: "a", image: { reference: "r/a:1", pullPolicy: "Always" } },
      { name: "b", image: { reference: "r/b:1" } },
      { name: "e", emptyDir: {} },
    ],
  },
} as unknown as Pod;

describe("agent/sync/image-volumes", () => {
  const events: EventInput[] = [];
  const around = (ensure: (request: PullRequest) => Promise<never>) => ({
    volumeImages: { ensure, release: () => undefined },
    imageStore: {
      lowerDirs: async (id: string) => [`/images/${id}`],
      folderOf: async (id: string) => `/images/${id}`,
    },
    events: { record: (_: Pod, event: EventInput) => void events.push(event) },
    sources: {} as never,
  });
  const request = { pod, container, signal: new AbortController().signal };

  it("gets what the container mounts, as the volume says, and tells the pod of it", async () => {
    const asked: unknown[] = [];
    const ensure = async ({ image, policy, podUid, onEvent }: PullRequest) => {
      asked.push([image, policy, podUid]);
      onEvent("Normal", "Pulled", "there");
      return { id: image } as never;
    };
    assert.deepEqual(
      [...(await imageVolumes(request, around(ensure)))],
      [["a", { imageId: "r/a:1", folder: "/images/r/a:1" }]],
    );
    assert.deepEqual(asked, [["r/a:1", "Always", "u"]]);
    assert.deepEqual(events, [{ type: "Normal", reason: "Pulled", message: "there" }]);
  });

  it("lets the container wait for one that cannot be had", async () => {
    const ensure = () => Promise.reject(new ImageUnavailable("ErrImagePull", "no such image", 1));
    await assert.rejects(imageVolumes(request, around(ensure)), { reason: "ErrImagePull" });
  });
});
