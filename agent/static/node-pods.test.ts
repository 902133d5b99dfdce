import { strict as assert } from "node:assert";
import { type Handler, keyOf } from "../../client/object-cache.ts";
import { mirrorAnnotation } from "../../client/rules/static-pods.ts";
import type { Pod } from "../../client/types.ts";
import { NodePods } from "./node-pods.ts";

describe("the pods of a node", () => {
  /** What the API has, as its informer shows it. */
  class Shown {
    readonly pods = new Map<string, Pod>();
    handler: Handler<Pod> = {};
    list = () => [...this.pods.values()];
    getByKey = (key: string) => this.pods.get(key);
    subscribe = (handler: Handler<Pod>) => {
      this.handler = handler;
      return () => undefined;
    };
    set(pod: Pod): void {
      const before = this.pods.get(keyOf(pod));
      this.pods.set(keyOf(pod), pod);
      if (before === undefined) this.handler.onAdd?.(pod);
      else this.handler.onUpdate?.(pod, before);
    }
    remove(pod: Pod): void {
      this.pods.delete(keyOf(pod));
      this.handler.onDelete?.(pod);
    }
  }
  const pod = (name: string, uid: string, more: { mirrors?: string; status?: object } = {}) =>
    ({
      metadata: {
        namespace: "default",
        name,
        uid,
        ...(more.mirrors && { annotations: { [mirrorAnnotation]: more.mirrors } }),
      },
      spec: { containers: [], terminationGracePeriodSeconds: 7 },
      ...(more.status && { status: more.status }),
    }) as unknown as Pod;
  const fixed = (uid: string, name = "web") => pod(name, uid, { mirrors: uid });

  let api: Shown;
  let pods: NodePods;
  let told: string[];
  beforeEach(() => {
    api = new Shown();
    pods = new NodePods(api, () => "2026-01-01T00:00:00Z");
    told = [];
    const shown = ({ metadata, status }: Pod) =>
      `${metadata.uid}${metadata.deletionTimestamp ? " ends" : ""}${status?.phase ? ` ${status.phase}` : ""}`;
    pods.subscribe({
      onAdd: (one) => told.push(`+${shown(one)}`),
      onUpdate: (one) => told.push(`~${shown(one)}`),
      onDelete: (one) => told.push(`-${shown(one)}`),
    });
  });
  const news = () => told.splice(0);

  it("are those of the API and those of files, and no mirror of the API's", () => {
    api.set(pod("bound", "b"));
    api.set(pod("stray", "m", { mirrors: "nobody" }));
    pods.setStatic([fixed("s")]);
    assert.deepEqual(news(), ["+b", "+s"]);
    assert.deepEqual(
      pods.list().map(({ metadata }) => metadata.uid),
      ["b", "s"],
    );
    api.remove(pod("bound", "b"));
    assert.deepEqual(news(), ["-b"]);
  });

  it("have the status that their mirror has, whose end is not theirs", () => {
    pods.setStatic([fixed("s")]);
    const [own] = pods.list();
    assert.ok(own);
    assert.equal(pods.inApi(own), undefined);
    const mirror = pod("web", "m", { mirrors: "s", status: { phase: "Running" } });
    api.set(mirror);
    assert.deepEqual(news(), ["+s", "~s Running"]);
    assert.equal(pods.inApi(own), mirror);
    const going = { ...mirror, metadata: { ...mirror.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    api.set(going);
    api.remove(going);
    assert.deepEqual(news(), ["~s Running", "~s"]);
    // That of another pod of the name tells nothing of this one.
    api.set(pod("web", "m2", { mirrors: "other", status: { phase: "Failed" } }));
    assert.deepEqual(news(), ["~s"]);
    assert.equal(pods.inApi(own), undefined);
  });

  it("end within their grace when their file goes, and only then make room for another of the name", () => {
    pods.setStatic([fixed("old")]);
    pods.setStatic([fixed("new")]);
    assert.deepEqual(news(), ["+old", "~old ends"]);
    assert.equal(pods.list()[0]?.metadata.deletionGracePeriodSeconds, 7);
    assert.equal(pods.mirrorTask("default/web"), undefined, "it goes with the pod");
    pods.setStatic([fixed("newer")]);
    pods.ended("old");
    assert.deepEqual(news(), ["+newer"]);
    assert.deepEqual(pods.mirrorTask("default/web"), { create: fixed("newer") });
  });

  it("that are wanted again while they end begin anew once they ended", () => {
    pods.setStatic([fixed("s")]);
    pods.setStatic([]);
    pods.setStatic([fixed("s")]);
    assert.deepEqual(news(), ["+s", "~s ends"]);
    pods.ended("s");
    assert.deepEqual(news(), ["+s"]);
    pods.ended("nobody");
    assert.deepEqual(news(), []);
  });

  it("begin anew where the mirror shows that the node went down before, and are shown by another", () => {
    const status = { phase: "Failed", reason: "Terminated" };
    api.set(pod("web", "m", { mirrors: "s", status }));
    api.set(pod("job", "j", { mirrors: "t", status: { phase: "Failed" } }));
    pods.setStatic([fixed("s"), fixed("t", "job")]);
    assert.deepEqual(news(), ["+s", "+t Failed"]);
    assert.deepEqual(pods.mirrorTask("default/job"), undefined);
    assert.deepEqual(pods.mirrorTask("default/web"), { delete: pod("web", "m", { mirrors: "s", status }) });
    api.remove(pod("web", "m", { mirrors: "s", status }));
    assert.deepEqual(pods.mirrorTask("default/web"), { create: fixed("s") });
    // One that ends as the node goes down is still its own.
    api.set(pod("web", "m2", { mirrors: "s", status }));
    assert.equal(pods.mirrorTask("default/web"), undefined);
  });

  it("tell which mirrors may be due", () => {
    api.set(pod("stray", "m", { mirrors: "nobody" }));
    pods.setStatic([fixed("s")]);
    const due: string[] = [];
    pods.onMirrorDue((key) => due.push(key));
    assert.deepEqual(due.splice(0), ["default/stray", "default/web"]);
    api.set(pod("web", "m", { mirrors: "s" }));
    api.set(pod("bound", "b"));
    assert.deepEqual(due.splice(0), ["default/web"]);
    pods.setStatic([]);
    pods.ended("s");
    assert.deepEqual(due.splice(0), ["default/web"]);
    assert.deepEqual(pods.mirrorTask("default/web"), { delete: pod("web", "m", { mirrors: "s" }) });
  });
});
