/** What a shell may put in place of the word under the cursor. */
export interface Offer {
  readonly candidates: readonly Candidate[];
  /** What the shell offers of its own beside them. */
  readonly files?: "any" | "folders";
  /** The word goes on: no space behind it. */
  readonly unfinished?: boolean;
}
export interface Candidate {
  readonly word: string;
  readonly note?: string;
}

export const nothing: Offer = { candidates: [] };
export const words = (list: readonly string[]): Offer => ({ candidates: list.map((word) => ({ word })) });

/** Of an offer, what begins as the word does. */
export const beginning = (offer: Offer, typed: string): Offer => ({
  ...offer,
  candidates: offer.candidates.filter(({ word }) => word.startsWith(typed)),
});

/** Cobra's numbers, which kubectl reads, too (`ShellCompDirective`). */
const directives = { noSpace: 2, noFiles: 4, foldersOnly: 16 } as const;

const candidatesMost = 500;
/** A word that no shell reads anything into: names of objects come from a cluster, which may be anybody's. */
const plainWord = /^[\w./:=@%+,-]{1,512}$/;
const noteCharsMost = 100;

/** A candidate a line, with a tab before its note; at last a colon and the directives. */
export function offerText({ candidates, files, unfinished }: Offer): string {
  const lines = candidates
    .filter(({ word }) => plainWord.test(word))
    .slice(0, candidatesMost)
    .map(({ word, note }) => (note === undefined ? word : `${word}\t${oneLine(note)}`));
  const directive =
    (unfinished === true ? directives.noSpace : 0) +
    (files === undefined ? directives.noFiles : files === "folders" ? directives.foldersOnly : 0);
  return [...lines, `:${directive}`, ""].join("\n");
}

/** Nothing that moves a terminal's cursor, or ends the line. */
const oneLine = (note: string): string => {
  const plain = note.replaceAll(/\p{C}+/gu, " ").trim();
  return plain.length > noteCharsMost ? `${plain.slice(0, noteCharsMost - 1)}…` : plain;
};
