import { useMemo } from "preact/hooks";
import type { Collision, Merged, Side } from "../model/merge-objects.ts";
import { yamlText } from "../model/yaml-text.ts";

interface MeanwhileProps {
  /** Undefined: the text cannot be read, so that nothing can be merged. */
  readonly merged: Merged | undefined;
  /** Who changed it, as far as the object says. */
  readonly who: readonly string[];
  /** All that is to be chosen of, chosen or not. */
  readonly all: readonly Collision[];
  readonly chosen: ReadonlyMap<string, Side>;
  onChoose(at: string, side: Side): void;
  onTakeIn(): void;
}

/** What others changed while one was writing, and the choice where both changed the same. */
export function Meanwhile({ merged, who, all, chosen, onChoose, onTakeIn }: MeanwhileProps) {
  const by = who.length > 0 ? ` by ${who.join(", ")}` : "";
  if (merged === undefined)
    return (
      <p class="banner banner-warn" role="status">
        The object was changed meanwhile{by}. Once your text can be read, it is merged.
      </p>
    );
  const left = merged.collisions.length;
  return (
    <section class="banner banner-warn meanwhile" aria-label="Changed meanwhile">
      <p role="status">
        The object was changed meanwhile{by}: <span class="mono">{shortList(merged.theirChanges)}</span>.{" "}
        {all.length === 0
          ? "None of it touches what you changed."
          : `${all.length === 1 ? "One field was" : `${all.length} fields were`} changed by you as well: choose for each.`}
      </p>
      {all.map((collision) => (
        <Choice
          key={collision.at}
          collision={collision}
          chosen={chosen.get(collision.at)}
          onChoose={onChoose}
        />
      ))}
      <button type="button" class="primary" disabled={left > 0} onClick={onTakeIn}>
        {left > 0 ? `Choose for ${left} more` : "Take the changes in"}
      </button>
    </section>
  );
}

const listedMost = 6;
const shortList = (names: readonly string[]): string =>
  names.length > listedMost
    ? `${names.slice(0, listedMost).join(", ")} and ${names.length - listedMost} more`
    : names.join(", ");

function Choice({
  collision: { at, base, mine, theirs },
  chosen,
  onChoose,
}: {
  readonly collision: Collision;
  readonly chosen: Side | undefined;
  onChoose(at: string, side: Side): void;
}) {
  return (
    <fieldset class="choice">
      <legend class="mono">{at}</legend>
      <AtFirst value={base} />
      {(["mine", "theirs"] as const).map((side) => (
        <label key={side} class={chosen === side ? "side-of side-chosen" : "side-of"}>
          <span>
            <input
              type="radio"
              name={`choice ${at}`}
              checked={chosen === side}
              onChange={() => onChoose(at, side)}
            />{" "}
            {side === "mine" ? "Mine" : "Theirs"}
          </span>
          <ValueText value={side === "mine" ? mine : theirs} />
        </label>
      ))}
    </fieldset>
  );
}

const AtFirst = ({ value }: { readonly value: unknown }) => (
  <div class="side-of">
    <span class="quiet">At first</span>
    <ValueText value={value} />
  </div>
);

function ValueText({ value }: { readonly value: unknown }) {
  const text = useMemo(() => (value === undefined ? "" : yamlText(value).trimEnd()), [value]);
  if (value === undefined) return <em class="quiet">not there</em>;
  return <pre>{text}</pre>;
}
