import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, type LocalCluster, run } from "../local-cluster.ts";

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: { readonly conditions?: readonly Condition[] };
}
interface Preview {
  readonly spec: { readonly users?: readonly string[] };
  readonly status?: { readonly conditions?: readonly Condition[] };
}
interface Condition {
  readonly type: string;
  readonly status: string;
}
const isReady = ({ status }: Pick<Preview, "status">) =>
  status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;

/** Runs the tutorial's operator, built in a folder, as pods of a cluster by its own manifests. In place of an image that somebody
 *  would have built they have this machine with its Node and the folder, which everybody has to be able to read. */
export async function tryAsPods(project: string, { pintle, kubeconfig }: LocalCluster): Promise<void> {
  const manifest = (name: string) => readFileSync(join(project, "deploy", name), "utf8");
  const image = "image: example.com/preview-operator:1";
  const here = `image: pintle.local/host
          command: [${process.execPath}, ${join(project, "dist/src/main.js")}]`;
  const deployment = manifest("deployment.yaml");
  assert.ok(deployment.includes(image));
  const webhooks = execFileSync("sh", ["deploy/webhooks.sh", "pods-certificate"], {
    cwd: project,
    encoding: "utf8",
  });
  for (const text of [manifest("crd.yaml"), manifest("rbac.yaml"), webhooks, deployment.replace(image, here)])
    await apply(text);
  await pintle("rollout", "status", "deployment/preview-operator", "-n", "preview-system");

  await makePreview("first");
  const [before] = await operators();
  assert.ok(before);
  await pintle("delete", "pod", before.metadata.name, "-n", "preview-system");
  await eventually("another replica", operators, (pods) => {
    const isOther = ({ metadata }: Pod) => metadata.name !== before.metadata.name;
    return pods.length === 2 && pods.every((pod) => isOther(pod) && isReady(pod));
  });
  await makePreview("second");

  async function makePreview(name: string): Promise<void> {
    const object = { apiVersion: "example.com/v1", kind: "PreviewEnvironment", metadata: { name }, spec: {} };
    // A node may not know yet where the webhooks are.
    await eventually(
      "a preview is admitted",
      () => apply(JSON.stringify(object)),
      () => true,
    );
    const seen = await eventually(
      "the preview is ready",
      async () => JSON.parse(await pintle("get", "previewenvironment", name, "-o", "json")) as Preview,
      isReady,
    );
    assert.notDeepEqual(seen.spec.users ?? [], [], "the webhook was not asked");
  }

  async function operators(): Promise<readonly Pod[]> {
    const { items } = JSON.parse(await pintle("get", "pods", "-n", "preview-system", "-o", "json")) as {
      items: Pod[];
    };
    return items;
  }

  function apply(text: string): Promise<string> {
    const words = [join(import.meta.dirname, "../../bin/pintle"), "apply", "-f", "-"];
    return run(process.execPath, words, { ...process.env, KUBECONFIG: kubeconfig }, text);
  }
}
