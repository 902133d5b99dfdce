import type { DiscoveredResource } from "../kubectl/discovery.ts";

/** What somebody wrote after `:`. */
export type UiCommand =
  | { readonly is: "quit" }
  | { readonly is: "help" | "aliases" | "forwards" }
  | { readonly is: "nothing" }
  | { readonly is: "contexts"; readonly name: string | undefined }
  | { readonly is: "why"; readonly isAll: boolean }
  | {
      readonly is: "kind";
      readonly kind: DiscoveredResource;
      /** null: all; undefined: as before. */
      readonly namespace: string | null | undefined;
      readonly filter: string;
      readonly labels: string;
    }
  | { readonly is: "unknown"; readonly text: string };

const plain: Readonly<Record<string, "quit" | "help" | "aliases" | "forwards">> = {
  q: "quit",
  "q!": "quit",
  qa: "quit",
  quit: "quit",
  exit: "quit",
  help: "help",
  "?": "help",
  h: "help",
  aliases: "aliases",
  alias: "aliases",
  a: "aliases",
  pf: "forwards",
  portforward: "forwards",
  portforwards: "forwards",
};
const contextWords = new Set(["ctx", "context", "contexts"]);

/** `po kube-system /web app=web`: a kind, then in any order a namespace (`all` for every one), a filter and labels. Pure. */
export function parseCommand(line: string, kinds: readonly DiscoveredResource[]): UiCommand {
  const [first = "", ...rest] = line.trim().split(/\s+/);
  const word = first.toLowerCase();
  if (word === "") return { is: "nothing" };
  const simple = Object.hasOwn(plain, word) ? plain[word] : undefined;
  if (simple !== undefined && rest.length === 0) return { is: simple };
  if (contextWords.has(word) && rest.length <= 1) return { is: "contexts", name: rest[0] };
  if (word === "why" && rest.length === 0) return { is: "why", isAll: false };
  if (word === "why" && rest.length === 1 && (rest[0] === "-A" || rest[0] === "all"))
    return { is: "why", isAll: true };
  const kind = kindOf(word, kinds);
  if (kind === undefined) return { is: "unknown", text: `there is no kind and no command "${first}"` };
  let namespace: string | null | undefined;
  let filter = "";
  const labels: string[] = [];
  for (const [at, one] of rest.entries()) {
    if (one === "-n" || one === "--namespace") continue;
    if (one.startsWith("/")) filter = one.slice(1);
    else if (/[=!]/.test(one)) labels.push(one);
    else if (namespace !== undefined)
      return { is: "unknown", text: `"${one}": one namespace at a time (${rest.slice(0, at).join(" ")})` };
    else namespace = one === "all" || one === "-A" ? null : one;
  }
  return { is: "kind", kind, namespace, filter, labels: labels.join(",") };
}

/** By plural, singular, short name or Kind, with `.group` where that is needed. */
export function kindOf(word: string, kinds: readonly DiscoveredResource[]): DiscoveredResource | undefined {
  const names = ({ plural, singular, kind, shortNames }: DiscoveredResource) => [
    plural,
    singular,
    kind.toLowerCase(),
    ...shortNames,
  ];
  return (
    kinds.find((one) => names(one).includes(word)) ??
    kinds.find((one) => names(one).some((name) => `${name}.${one.group}` === word))
  );
}

/** What would complete the word that is being written, or nothing. */
export function suggestion(line: string, kinds: readonly DiscoveredResource[]): string {
  if (line === "" || /\s/.test(line)) return "";
  const word = line.toLowerCase();
  const words = [
    ...kinds.map(({ plural }) => plural),
    ...kinds.flatMap(({ shortNames }) => shortNames),
    "aliases",
    "contexts",
    "help",
    "portforward",
    "quit",
    "why",
  ];
  const found = words.find((one) => one.startsWith(word));
  return found === undefined ? "" : found.slice(word.length);
}
