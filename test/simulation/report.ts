/** Tells of a broken property: its name, and what was seen. The first one ends the run. */
export type Report = (property: string, what: string) => void;
