import { unfinished } from "../unfinished.ts";

/** What was begun and is not done, from wherever one is. */
export function UnfinishedMark() {
  const all = [...unfinished.value];
  if (all.length === 0) return null;
  return (
    <details class="person">
      <summary class="chip unfinished">
        {all.length} <span class="only-wide">unfinished</span>
        <span class="unseen">begun and not done</span>
      </summary>
      <div class="pop">
        {all.map(([key, { what, href }]) => (
          <p key={key}>
            <a href={href}>{what}</a>
          </p>
        ))}
      </div>
    </details>
  );
}
