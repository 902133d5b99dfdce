import { effect } from "@preact/signals";
import { discover, kindOf } from "./discovery.ts";
import { LiveList } from "./live-list.ts";
import { allows, knownRights } from "./rights.ts";

/** From a change to when it is asked what is served: a definition is served a moment after it was told so. */
const waitsMs = [300, 3_000];
/** Who may not follow definitions asks now and then. */
const everyMs = 60_000;
const asMetadata = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const asOne = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";

const definers = [
  { group: "apiextensions.k8s.io", plural: "customresourcedefinitions" },
  { group: "apiregistration.k8s.io", plural: "apiservices" },
];

interface Meta {
  readonly name: string;
  readonly resourceVersion?: string;
}
const form = {
  accept: `${asMetadata},${asOne},application/json`,
  itemsOf: (answer: unknown) => {
    const { items, metadata } = answer as { items?: readonly { metadata: Meta }[]; metadata?: Meta };
    return items?.map((one) => one.metadata) ?? (metadata?.name === undefined ? [] : [metadata]);
  },
  keyOf: ({ name }: Meta) => name,
  resourceVersionOf: ({ resourceVersion }: Meta) => resourceVersion,
};

/** Keeps what is known of kinds true while definitions and servers of other groups come and go. Answers what ends it. */
export function followKinds(): () => void {
  const ends: (() => void)[] = [];
  let timers: ReturnType<typeof setTimeout>[] = [];
  let isOver = false;
  const ask = () => {
    discover().catch(() => {
      // What was known stands, and the next change has it asked again.
    });
  };
  const soon = () => {
    for (const timer of timers) clearTimeout(timer);
    timers = waitsMs.map((ms) => setTimeout(ask, ms));
  };
  const begin = async () => {
    const rights = await knownRights("");
    if (isOver) return;
    for (const { group, plural } of definers) {
      const kind = kindOf(`${group}/${plural}`);
      if (kind === undefined) continue;
      if (!allows(rights, { verb: "watch", group, resource: plural })) {
        const timer = setInterval(() => document.visibilityState === "visible" && ask(), everyMs);
        ends.push(() => clearInterval(timer));
        return;
      }
      const feed = new LiveList<Meta>(form, `/apis/${group}/${kind.version}/${plural}`);
      let told: string | undefined;
      const end = effect(() => {
        void feed.version.value;
        if (feed.state.value.is !== "live") return;
        const now = [...feed.items.values()]
          .map(({ name, resourceVersion }) => `${name} ${resourceVersion}`)
          .join();
        // What the first list tells is what discovery told just before.
        if (told !== undefined && told !== now) soon();
        told = now;
      });
      ends.push(end, () => feed.stop());
    }
  };
  void begin();
  return () => {
    isOver = true;
    for (const end of ends) end();
    for (const timer of timers) clearTimeout(timer);
  };
}
