/** What another member sent cannot be: it is broken, of another make or hostile. It changed nothing; whoever took it from the
 *  wire closes the connection. */
export class PeerInputError extends Error {
  override readonly name = "PeerInputError";

  constructor(problem: string) {
    super(`a peer sent what cannot be: ${problem}`);
  }
}
