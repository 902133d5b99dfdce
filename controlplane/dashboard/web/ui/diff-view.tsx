import { useMemo } from "preact/hooks";
import { unifiedDiff } from "../../../../base/unified-diff.ts";

interface DiffProps {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

const looks = {
  "+": { name: "diff-new", said: "added" },
  "-": { name: "diff-gone", said: "removed" },
  "@": { name: "diff-gap", said: "" },
  " ": { name: "", said: "" },
} as const;

/** The lines in which two texts differ, with some around them. What is said by a colour is said by a sign, too. */
export function DiffView({ from, to, label }: DiffProps) {
  const lines = useMemo(() => unifiedDiff(from, to).split("\n").slice(0, -1), [from, to]);
  if (lines.length === 0) return <p class="empty">Nothing differs.</p>;
  return (
    <div class="diff" role="region" aria-label={label} tabIndex={0}>
      {lines.map((line, at) => {
        const sign = line[0] as keyof typeof looks;
        const { name, said } = looks[sign] ?? looks[" "];
        return (
          <div key={at} class={`diff-line ${name}`}>
            <span class="diff-sign" aria-hidden="true">
              {sign === "@" ? "⋯" : sign}
            </span>
            {said && <span class="unseen">{said}: </span>}
            <span>{sign === "@" ? lineText(line) : line.slice(1)}</span>
          </div>
        );
      })}
    </div>
  );
}

const lineText = (head: string): string => `line ${/\+(\d+)/.exec(head)?.[1] ?? ""}`;
