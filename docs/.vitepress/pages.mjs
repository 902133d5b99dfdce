// Which pages there are, and in which order the site lists them. A page that no list names stands at the end of its folder, so
// that a new file is on the site at once.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const docs = join(import.meta.dirname, "..");

/** Folder, its title, and its pages in groups. */
const parts = [
  {
    folder: "tutorial",
    title: "Tutorial",
    groups: [{ pages: ["index", "webhooks-and-metrics", "deploy"] }],
  },
  {
    folder: "how-to",
    title: "How to",
    groups: [
      {
        title: "Begin",
        pages: [
          "start-a-cluster",
          "install",
          "kubectl-and-helm",
          "use-in-ci",
          "debug-a-pod",
          "dashboard",
          "search-logs",
          "ship-logs",
          "terminal",
        ],
      },
      {
        title: "Write and test",
        pages: [
          "test-your-operator",
          "parts-alone",
          "kubernetes-client",
          "embedded-store",
          "etcd-client",
          "fence-leader-writes",
        ],
      },
      {
        title: "Run it for long",
        pages: [
          "join-machines",
          "operating-the-store",
          "back-up-and-restore",
          "upgrade",
          "nodes-in-trouble",
          "look-after-a-cluster",
          "prometheus",
          "custom-metrics",
          "tracing",
        ],
      },
      {
        title: "Nodes",
        pages: ["images", "container-runtimes", "plain-processes", "volumes", "csi", "node-options"],
      },
      { title: "Network", pages: ["services", "ingress", "gateway", "network-policies", "pod-network"] },
    ],
  },
  {
    folder: "reference",
    title: "Reference",
    groups: [
      {
        pages: [
          "commands",
          "causes",
          "errors",
          "kinds",
          "feature-gates",
          "fields",
          "differences",
          "conformance",
          "etcd-suites",
          "clients",
        ],
      },
    ],
  },
  {
    folder: "explanation",
    title: "Explanation",
    groups: [
      {
        pages: [
          "how-it-works",
          "architecture",
          "guarantees",
          "testing",
          "security",
          "limits",
          "contributing",
        ],
      },
    ],
  },
];

function titleOf(path) {
  const text = readFileSync(join(docs, path), "utf8");
  const heading = /^---\n(?:.*\n)*?title: (.+)\n(?:.*\n)*?---\n/.exec(text) ?? /^# (.+)$/m.exec(text);
  if (heading === null) throw new Error(`docs/${path} has no heading`);
  return heading[1].replaceAll("`", "");
}

export function sidebar() {
  const there = parts.filter(({ folder }) => existsSync(join(docs, folder)));
  return there.map(({ folder, title, groups }) => {
    const left = new Set(
      readdirSync(join(docs, folder))
        .filter((name) => name.endsWith(".md"))
        .map((name) => name.slice(0, -3)),
    );
    const linked = (names) =>
      names
        .filter((name) => left.delete(name))
        .map((name) => ({ text: titleOf(`${folder}/${name}.md`), link: `/${folder}/${name}` }));
    const listed = groups.map((group) => ({ text: group.title, items: linked(group.pages) }));
    const rest = linked([...left].sort());
    const filled = [...listed, { text: "More", items: rest }].filter(({ items }) => items.length > 0);
    const items = groups.length === 1 ? filled.flatMap((group) => group.items) : filled;
    return { text: title, items, collapsed: false };
  });
}
