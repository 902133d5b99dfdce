/** Bugs that simulation plants, by name, to prove that its checkers find them. Production never sets one. */
export interface RaftFaults {
  /** The leader counts replicas of an older term's entry and commits it (Raft paper, figure 8). */
  readonly commitOldTermByCounting?: true;
  /** A member grants its vote to every candidate of a term, not only to the first. */
  readonly voteTwice?: true;
  /** The leader answers ReadIndex without asking a quorum whether it still leads. */
  readonly readWithoutQuorum?: true;
  /** A leader that hands over tells followers that it takes nothing from them, and takes it all the same. */
  readonly takeWhatIsDropped?: true;
  /** A member grants its vote also to those whose log lacks entries that it has. */
  readonly voteForShorterLog?: true;
  /** The leader commits what it holds itself. */
  readonly commitAlone?: true;
  /** A follower takes entries without asking whether its log agrees with what comes before them. */
  readonly appendAnywhere?: true;
}
