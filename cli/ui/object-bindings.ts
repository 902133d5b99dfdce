import { systemClock } from "../../base/os/clock.ts";
import type { KubeObject, Ref } from "../../client/types.ts";
import { explainObject } from "../../client/why/explain.ts";
import { gather } from "../../client/why/gather.ts";
import { findingsText } from "../../client/why/text.ts";
import { OperatorError } from "../command.ts";
import { describe } from "../kubectl/describe.ts";
import { type DiscoveredResource, shownName } from "../kubectl/discovery.ts";
import { objectsText } from "../kubectl/output.ts";
import { pageText } from "../kubectl/page.ts";
import { readerOf } from "../why/reader.ts";
import { editObject } from "./edit-object.ts";
import type { Binding } from "./page.ts";
import type { Screen } from "./screen.ts";
import { TextPage } from "./text-page.ts";
import type { TextLine } from "./text-view.ts";

/** The objects that a key is about. */
export interface Subject {
  readonly screen: Screen;
  readonly kind: DiscoveredResource;
  /** The one under the cursor. */
  one(): Ref | undefined;
  /** Those that are marked, else that one. */
  all(): readonly Ref[];
  unmark(): void;
}

export const linesOf = (text: string): readonly TextLine[] =>
  text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => ({ text: line }));

const subjectText = ({ namespace, name }: Ref): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

/** What one may ask of an object of every kind. */
export function objectBindings({ screen, kind, one, all, unmark }: Subject): readonly Binding[] {
  const { client } = screen;
  const withOne = (act: (ref: Ref) => void) => () => {
    const ref = one();
    if (ref !== undefined) act(ref);
  };
  const text = (crumb: string, load: (ref: Ref, signal: AbortSignal) => Promise<readonly TextLine[]>) =>
    withOne((ref) =>
      screen.open(new TextPage(screen, crumb, subjectText(ref), (signal) => load(ref, signal))),
    );
  const describing = text("describe", async (ref) => linesOf(pageText(await describe(client, kind, ref))));
  return [
    { key: "enter", help: "View", isMinor: true, does: describing },
    { key: "d", help: "Describe", does: describing },
    {
      key: "y",
      help: "YAML",
      does: text("yaml", async (ref, signal) => {
        const object = await client.get<KubeObject>(kind, ref, { signal });
        return linesOf(objectsText({ kind: "yaml" }, [{ resource: kind, object }], { single: true }));
      }),
    },
    { key: "W", help: "Why", does: text("why", (ref, signal) => why(screen, kind, ref, signal)) },
    {
      key: "ctrl-d",
      help: "Delete",
      changes: true,
      does: () => void remove(false),
    },
    {
      key: "ctrl-k",
      help: "Kill: delete at once",
      changes: true,
      isMinor: true,
      does: () => void remove(true),
    },
    { key: "c", help: "Copy name", isMinor: true, does: withOne(({ name }) => screen.copy(name)) },
    {
      key: "n",
      help: "Copy namespace",
      isMinor: true,
      does: withOne(({ namespace }) => namespace !== undefined && screen.copy(namespace)),
    },
    { key: "J", help: "Go to owner", isMinor: true, does: withOne((ref) => void owner(ref)) },
  ];

  async function remove(isAtOnce: boolean): Promise<void> {
    const refs = all();
    const [first, ...more] = refs;
    if (first === undefined) return;
    const what = more.length === 0 ? shownName(kind, first.name) : `${refs.length} ${kind.plural}`;
    if (!isAtOnce && !(await screen.confirm(`Delete ${what}?`))) return;
    const options = { propagationPolicy: "Background" as const, ...(isAtOnce && { gracePeriodSeconds: 0 }) };
    await screen.attempt(async () => {
      await Promise.all(refs.map((ref) => client.delete(kind, ref, options)));
      unmark();
      return `${what} deleted`;
    });
  }

  async function owner(ref: Ref): Promise<void> {
    await screen.attempt(async () => {
      const object = await client.get<KubeObject>(kind, ref);
      const owners = object.metadata.ownerReferences ?? [];
      const of = owners.find(({ controller }) => controller) ?? owners[0];
      if (of === undefined) throw new OperatorError(`${ref.name} has no owner`);
      const group = of.apiVersion.includes("/") ? of.apiVersion.split("/")[0] : "";
      const found = screen.kinds.find((one) => one.kind === of.kind && one.group === group);
      if (found === undefined) throw new OperatorError(`the server serves no ${of.kind} of ${of.apiVersion}`);
      const fields = `metadata.name=${of.name}`;
      screen.openObjects(found, { namespace: ref.namespace, fields, of: `owner of ${ref.name}` });
      return undefined;
    });
  }
}

async function why(
  { client }: Screen,
  kind: DiscoveredResource,
  ref: Ref,
  signal: AbortSignal,
): Promise<readonly TextLine[]> {
  const nowMs = systemClock.wallMs();
  const found = await gather(readerOf(client), (facts) => explainObject(kind, ref, facts), { nowMs, signal });
  if (found.result === null) throw new OperatorError(`${shownName(kind, ref.name)} is gone`);
  const text = found.result === undefined ? "" : findingsText(shownName(kind, ref.name), found.result);
  return [
    ...(text === "" ? [] : linesOf(text)),
    ...found.unread.map((line): TextLine => ({ text: `could not look at ${line}`, style: "warn" })),
  ];
}

/** The object in the person's editor. */
export const editBinding = ({ screen, kind, one }: Subject): Binding => ({
  key: "e",
  help: "Edit",
  changes: true,
  does: () => {
    const ref = one();
    if (ref === undefined) return;
    void screen.attempt(async () => {
      let said: string | undefined;
      await screen.outside(async () => {
        said = await editObject(screen.client, kind, ref);
      });
      return said;
    });
  },
});
