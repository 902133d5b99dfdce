import { signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { kindKey, kinds } from "../api/discovery.ts";
import { titleOf } from "../model/menu.ts";
import { go, to } from "../route.ts";
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
        aria-label="Kind, namespace or name"
        placeholder="Kind, namespace or name"
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
            {hit.what} <span class="quiet">{hit.where}</span>
          </li>
        ))}
      </ul>
      {hits.length === 0 && <p class="quiet palette-none">Nothing by that name.</p>}
    </dialog>
  );
}

const hitsMost = 12;

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
  const ofNamespaces = namespaceNames().map((name) => ({
    rank: rankOf(word, [name]) + 0.5,
    hit: { what: name, where: "namespace", href: `/k/core/pods?ns=${encodeURIComponent(name)}` },
  }));
  return [...ofKinds, ...ofNew, ...ofNamespaces]
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
