import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Finding } from "../../../../client/why/finding.ts";
import type { Kind } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { FindingView } from "./findings.tsx";

const lookedEveryMs = 10_000;
const restMs = 3_000;

type Known =
  | { readonly is: "looking" }
  | { readonly is: "known"; readonly findings: readonly Finding[]; readonly unread: readonly string[] }
  | { readonly is: "failed"; readonly why: string };

/** Why an object is not well, or that it is. The analysis is loaded when the first such page opens. */
export function Why({ kind, object }: { readonly kind: Kind; readonly object: KubeObject }) {
  const known = useSignal<Known>({ is: "looking" });
  const { name, namespace = "", uid } = object.metadata;
  const changed = useSignal(0);
  useEffect(() => {
    changed.value++;
  }, [object]);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let seen = -1;
    const look = async () => {
      seen = changed.value;
      try {
        const { explainOne } = await import("../why/explain-one.ts");
        const { result, unread } = await explainOne(kind, { name, namespace }, abort.signal);
        if (!abort.signal.aborted) known.value = { is: "known", findings: result ?? [], unread };
      } catch (error) {
        if (!abort.signal.aborted)
          known.value = { is: "failed", why: error instanceof Error ? error.message : String(error) };
      }
      next(performance.now());
    };
    // What depends on others is looked at again although the object itself does not change.
    const next = (sinceMs: number) => {
      if (abort.signal.aborted) return;
      const isDue = changed.value !== seen || performance.now() - sinceMs >= lookedEveryMs;
      timer = setTimeout(
        () => (isDue && document.visibilityState === "visible" ? void look() : next(sinceMs)),
        restMs,
      );
    };
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [kind, uid]);
  const now = known.value;
  return (
    <section class="why" aria-label="Why" aria-busy={now.is === "looking"}>
      {now.is === "looking" && <p class="quiet">Looking why …</p>}
      {now.is === "failed" && <p class="quiet">It could not be looked into: {now.why}</p>}
      {now.is === "known" &&
        now.findings.map((finding, at) => (
          <FindingView
            key={`${finding.code} ${finding.cause}`}
            finding={finding}
            isOpen={at === 0 && finding.severity !== "well"}
          />
        ))}
      {now.is === "known" && now.unread.length > 0 && (
        <p class="quiet">Not for you to look at: {now.unread.join("; ")}</p>
      )}
    </section>
  );
}
