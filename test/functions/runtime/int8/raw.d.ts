/** The text of a file. */
declare module '*.ts?raw' {
  const text: string;
  export default text;
}
