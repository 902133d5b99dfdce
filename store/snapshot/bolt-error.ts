/** The file is no sound bbolt database: says which file, which page and what is wrong with it. */
export class BoltError extends Error {
  override readonly name = "BoltError";
  readonly operator = true;

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
  }
}
