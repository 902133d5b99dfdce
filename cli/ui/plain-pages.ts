import { gather } from "../../client/why/gather.ts";
import { survey } from "../../client/why/survey.ts";
import { surveyText } from "../../client/why/survey-text.ts";
import { readerOf } from "../why/reader.ts";
import { ListPage } from "./list-page.ts";
import { linesOf } from "./object-bindings.ts";
import type { Binding, Page } from "./page.ts";
import type { Screen } from "./screen.ts";
import { TextPage } from "./text-page.ts";
import type { TextLine } from "./text-view.ts";

/** Every key of the page that was open, and of everywhere. */
export function helpPage(screen: Screen, bindings: readonly Binding[]): Page {
  const keys = new Map<string, string[]>();
  const seen = new Set<string>();
  for (const { key, help } of bindings) {
    if (seen.has(key)) continue;
    seen.add(key);
    keys.set(help, [...(keys.get(help) ?? []), key]);
  }
  const rows = [...keys].map(([help, all]): TextLine => ({ text: `  ${all.join(", ").padEnd(24)}${help}` }));
  const commands = [
    ":KIND [NAMESPACE|all] [/filter] [label=value]",
    ":ctx [NAME]   contexts of the kubeconfig, or look at one",
    ":why [-A]     what is not well in the namespace, or everywhere, and why",
    ":pf           ports that are forwarded",
    ":aliases      every kind and its short names",
    ":q            quit",
  ];
  const lines: readonly TextLine[] = [
    { text: "Keys", style: "head" },
    ...rows,
    { text: "" },
    { text: "Commands", style: "head" },
    ...commands.map((text) => ({ text: `  ${text}` })),
    { text: "" },
    { text: "Filters", style: "head" },
    { text: "  /text or /regular.*expression, /!text for what does not have it; esc takes it away" },
  ];
  return new TextPage(screen, "help", "keys", async () => lines);
}

export function aliasesPage(screen: Screen): Page {
  return new ListPage(screen, {
    crumb: "aliases",
    titles: ["NAME", "SHORT NAMES", "GROUP", "KIND", "NAMESPACED"],
    items: () => screen.kinds,
    cellsOf: ({ plural, shortNames, group, version, kind, namespaced }) => [
      plural,
      shortNames.join(","),
      group === "" ? version : `${group}/${version}`,
      kind,
      String(namespaced),
    ],
    bindings: (chosen) => [
      {
        key: "enter",
        help: "Show",
        does: () => {
          const kind = chosen();
          if (kind !== undefined) screen.showObjects(kind, { namespace: screen.namespace });
        },
      },
    ],
  });
}

export function contextsPage(screen: Screen, contexts: readonly string[], current: string | undefined): Page {
  return new ListPage(screen, {
    crumb: "contexts",
    titles: ["NAME", "CURRENT"],
    items: () => contexts,
    cellsOf: (name) => [name, name === current ? "yes" : ""],
    bindings: (chosen) => [
      {
        key: "enter",
        help: "Use",
        does: () => {
          const name = chosen();
          if (name !== undefined) screen.goToContext(name);
        },
      },
    ],
  });
}

export function forwardsPage(screen: Screen): Page {
  return new ListPage(screen, {
    crumb: "portforward",
    titles: ["NAME", "NAMESPACE", "PORT", "ADDRESS", "CONNECTIONS", "STATUS"],
    items: () => screen.forwards.all,
    cellsOf: ({ ref, port, localPort, connections, problem }) => [
      ref.name,
      ref.namespace ?? "",
      String(port),
      `127.0.0.1:${localPort}`,
      String(connections),
      problem === undefined ? "Active" : `Failed: ${problem}`,
    ],
    bindings: (chosen) => [
      { key: "ctrl-d", help: "Close", does: () => chosen()?.close() },
      {
        key: "c",
        help: "Copy address",
        does: () => {
          const forward = chosen();
          if (forward !== undefined) screen.copy(`127.0.0.1:${forward.localPort}`);
        },
      },
    ],
  });
}

/** What is not well, folded by cause, as `pintle why` says it. */
export function whyPage(screen: Screen, namespace: string | undefined): Page {
  const where = namespace === undefined ? "in the cluster" : `in namespace ${namespace}`;
  return new TextPage(screen, "why", namespace ?? "all", async (signal) => {
    const options = { nowMs: screen.clock.wallMs(), signal, isWide: true };
    const { result, unread } = await gather(
      readerOf(screen.client),
      (facts) => survey(namespace, facts),
      options,
    );
    return [
      ...linesOf(surveyText(result, where)),
      ...unread.map((line): TextLine => ({ text: `could not look at ${line}`, style: "warn" })),
    ];
  });
}
