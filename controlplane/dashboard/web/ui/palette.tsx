import { signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { kindKey, kindOf, kinds } from "../api/discovery.ts";
import { indexState, indexVersion, names, refreshNames } from "../api/name-index.ts";
import { titleOf } from "../model/menu.ts";
import { findNames } from "../model/name-index.ts";
import { go, namespace, to } from "../route.ts";
import { namespaceNames } from "./namespace-picker.tsx";

export const paletteOpen = signal(false);

addEventListener("keydown", (event) => {
  if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    paletteOpen.value = !paletteOpen.value;
  }
});

interface Hit {
  readonly what: string;
  readonly where: string;
  readonly href: string;
}

/** Goes anywhere by a few letters: kinds by name or short name, namespaces, and names of objects. */
export function Palette() {
  const box = useRef<HTMLDialogElement>(null);
  const words = useSignal("");
  const at = useSignal(0);
  const isOpen = paletteOpen.value;
  useEffect(() => {
    if (isOpen && !box.current?.open) box.current?.showModal();
    if (!isOpen) box.current?.close();
    words.value = "";
    at.value = 0;
  }, [isOpen]);
  const hits = isOpen ? hitsFor(words.value) : [];
  const inNamespace = namespace.value;
  useEffect(() => {
    if (isOpen) refreshNames(inNamespace);
  }, [isOpen, inNamespace]);
  const choose = (hit: Hit | undefined) => {
    if (hit === undefined) return;
    paletteOpen.value = false;
    go(hit.href);
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      at.value = Math.max(0, Math.min(hits.length - 1, at.value + step));
    } else if (event.key === "Enter") choose(hits[at.value]);
  };
  return (
    <dialog class="palette" ref={box} onClose={() => (paletteOpen.value = false)} aria-label="Find anything">
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-hits"
        aria-activedescendant={hits.length > 0 ? `hit-${at.value}` : undefined}
        aria-label="Kind, namespace, name or label"
        placeholder="Kind, namespace, name or label (app=web)"
        value={words.value}
        onInput={(event) => {
          words.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={onKey}
      />
      <ul id="palette-hits" role="listbox" aria-label="Found">
        {hits.map((hit, index) => (
          <li
            key={hit.href}
            id={`hit-${index}`}
            role="option"
            aria-selected={index === at.value}
            onClick={() => choose(hit)}
            onKeyDown={onKey}
          >
            <span>{hit.what}</span> <span class="quiet">{hit.where}</span>
          </li>
        ))}
      </ul>
      {hits.length === 0 && words.value !== "" && <p class="quiet palette-none">Nothing by that name.</p>}
      <Looked />
    </dialog>
  );
}

/** How many kinds have been looked through for names. */
function Looked() {
  const state = indexState.value;
  if (state === undefined) return null;
  const { done, of, cut } = state;
  return (
    <p class="quiet palette-none">
      {done < of
        ? `${done} of ${of} kinds are looked through for names …`
        : `Names in ${of} kinds are looked through.`}
      {cut.length > 0 && ` Of ${cut.join(", ")} only the first.`}
    </p>
  );
}

const hitsMost = 14;

function hitsFor(text: string): readonly Hit[] {
  const word = text.trim().toLowerCase();
  const ofKinds = kinds.value
    .filter((kind) => kind.verbs.includes("list"))
    .map((kind) => ({
      rank: rankOf(word, [kind.plural, kind.kind.toLowerCase(), ...kind.shortNames]),
      hit: { what: titleOf(kind), where: kind.group || "core", href: to(["k", ...kindKey(kind).split("/")]) },
    }));
  const ofNew = kinds.value
    .filter((kind) => kind.verbs.includes("create") && kind.verbs.includes("list"))
    .map((kind) => ({
      rank: rankOf(word, [`new ${kind.kind.toLowerCase()}`, `create ${kind.kind.toLowerCase()}`]) + 0.2,
      hit: { what: `New ${kind.kind}`, where: "from YAML", href: to(["new", ...kindKey(kind).split("/")]) },
    }))
    .filter(() => /^(ne|cr)/.test(word));
  const ofPages = [
    { what: "Logs", where: "of the whole cluster, searched", href: to(["logs"]) },
    { what: "Map", where: "of services, workloads and nodes", href: to(["map"]) },
  ].map((hit) => ({ rank: rankOf(word, [hit.what.toLowerCase()]), hit }));
  const ofNamespaces = namespaceNames().map((name) => ({
    rank: rankOf(word, [name]) + 0.5,
    hit: { what: name, where: "namespace", href: `/k/core/pods?ns=${encodeURIComponent(name)}` },
  }));
  void indexVersion.value;
  const ofNames = findNames(names(), word, hitsMost).flatMap(({ object, rank }) => {
    const { kind: key, name, namespace: at } = object;
    const kind = kindOf(key);
    if (kind === undefined) return [];
    const href = to(["k", ...key.split("/"), kind.namespaced ? at : "_", name]);
    const where = [kind.kind, at, word.includes("=") ? object.labels : ""].filter(Boolean).join(" · ");
    return [{ rank: rank + 0.6, hit: { what: name, where, href } }];
  });
  return [...ofPages, ...ofKinds, ...ofNew, ...ofNamespaces, ...ofNames]
    .filter(({ rank }) => rank < 9)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, hitsMost)
    .map(({ hit }) => hit);
}

/** 0: it is one of the names; 1: one begins with it; 2: one has it; 9: none. */
function rankOf(word: string, names: readonly string[]): number {
  if (names.includes(word)) return 0;
  if (names.some((name) => name.startsWith(word))) return 1;
  return names.some((name) => name.includes(word)) ? 2 : 9;
}
