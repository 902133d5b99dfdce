import type { ComponentChildren } from "preact";

interface PlainTableProps {
  readonly heads?: readonly string[];
  /** Its rows. */
  readonly children: ComponentChildren;
}

/** A small table, all of it in the document; it scrolls sideways where there is no room. */
export const PlainTable = ({ heads, children }: PlainTableProps) => (
  <div class="scroll">
    <table class="plain">
      {heads && (
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
      )}
      <tbody>{children}</tbody>
    </table>
  </div>
);
