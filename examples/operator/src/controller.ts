import { type Condition, defineController, kinds, Metrics, type Secret, watching } from "pintle/client";
import { accessOf, desired, insideLabel, namespaceOf, previewsOf } from "./desired.ts";
import { expiryOf, PreviewEnvironment } from "./preview.ts";

/** How often it looks at what it does not watch: the secrets that it copies. */
const lookAgainMs = 600_000;
const inside = { labelSelector: `${insideLabel}=true` };

export function previewController(metrics = new Metrics()) {
  const expired = metrics.counter("previews_expired_total", "Previews deleted because their time was over.");
  return defineController({
    kind: PreviewEnvironment,
    name: "preview-operator",
    owns: [kinds.ConfigMap],
    // Ownership ends at a namespace's border. What is inside says by itself whose it is.
    watches: [
      watching(kinds.Namespace, previewsOf, inside),
      watching(kinds.ResourceQuota, previewsOf, inside),
      watching(kinds.LimitRange, previewsOf, inside),
      watching(kinds.NetworkPolicy, previewsOf, inside),
      watching(kinds.RoleBinding, previewsOf, inside),
    ],
    finalizer: "example.com/preview-namespace",

    async reconcile(preview, context) {
      const { api, ref, signal } = context;
      const { uid, generation } = preview.metadata;
      const expiresAt = expiryOf(preview);
      const leftMs = expiresAt.getTime() - context.now().getTime();
      if (leftMs <= 0) {
        context.event("Normal", "Expired", `it has lived for ${preview.spec.ttl}`);
        await api.delete(PreviewEnvironment, ref, { preconditions: { uid }, signal });
        expired.add();
        return undefined;
      }

      const secrets: Secret[] = [];
      const missing: string[] = [];
      for (const name of preview.spec.secrets ?? []) {
        const secret = await api.find(kinds.Secret, { ...ref, name }, { signal });
        if (secret) secrets.push(secret);
        else missing.push(name);
      }
      const [namespace, ...rest] = desired(preview, secrets);
      await api.apply(namespace, { force: true, signal });
      await Promise.all(rest.map((object) => api.apply(object, { force: true, signal })));
      await context.applyOwned(accessOf(preview));

      const ready: Condition = {
        type: "Ready",
        status: missing.length === 0 ? "True" : "False",
        reason: missing.length === 0 ? "Made" : "SecretMissing",
        message: missing.length === 0 ? "everything is there" : `no secret ${missing.join(", ")} to copy`,
        observedGeneration: generation ?? 0,
        lastTransitionTime: context.now().toISOString(),
      };
      const before = preview.status?.conditions?.find(({ type }) => type === "Ready");
      if (before?.status === ready.status) ready.lastTransitionTime = before.lastTransitionTime;
      else context.event(ready.status === "True" ? "Normal" : "Warning", ready.reason, ready.message);
      await context.setStatus({
        namespace: namespaceOf(preview),
        expiresAt: expiresAt.toISOString(),
        conditions: [ready],
      });
      return { requeueAfterMs: Math.min(leftMs, missing.length === 0 ? lookAgainMs : 10_000) };
    },

    async finalize(preview, { api, signal }) {
      const at = { name: namespaceOf(preview) };
      // Not from the cache: what it does not show yet would be left behind.
      const namespace = await api.find(kinds.Namespace, at, { signal });
      if (namespace === undefined) return undefined;
      if (namespace.metadata.deletionTimestamp === undefined)
        await api.delete(kinds.Namespace, at, { preconditions: { uid: namespace.metadata.uid }, signal });
      return { requeueAfterMs: 10_000 };
    },
  });
}
