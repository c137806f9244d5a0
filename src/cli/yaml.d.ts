/** Files that the bundle carries as text. */
declare module '*.yaml' {
  const text: string;
  export default text;
}
