/** Elements of a browser's document, in functions that tests hand to the browser: this program is not checked with the DOM's types,
 *  or the product could use them unnoticed, and React's types declare this interface empty. */
interface Element {
  // biome-ignore lint/suspicious/noExplicitAny: its members are the browser's
  [member: string]: any;
}
