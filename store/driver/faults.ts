/** Bugs that simulation plants, by name, to prove that its checkers find them. Production never sets one. */
export interface DriverFaults {
  /** Acknowledges entries and votes before they are on disk. */
  readonly ackBeforeSync?: true;
  /** Writes the term but forgets the vote. */
  readonly skipPersistVote?: true;
  /** After a crash, takes a log for the state's own as soon as it is long enough, whatever the terms of its entries. */
  readonly trustLogByIndex?: true;
}
