/**
 * Rows as aligned text: numbers (and what reads as one) to the right, all else to the left.
 * @param rows cells in the order of `head`; a missing one is empty
 */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => head.map((_, column) => String(row[column] ?? '')));
  const columns = head.map((title, column) => {
    const values = cells.map((row) => row[column] ?? '');
    return {
      width: Math.max(title.length, ...values.map((value) => value.length)),
      right: values.length > 0 && values.every((value) => value === '' || /^[-+]?[\d.,]+( ?[%a-zA-Z/]+)?$/.test(value)),
    };
  });
  const line = (row: readonly string[]) =>
    columns
      .map(({ width, right }, column) =>
        right ? (row[column] ?? '').padStart(width) : (row[column] ?? '').padEnd(width),
      )
      .join('  ')
      .trimEnd();
  return [line(head), columns.map(({ width }) => '─'.repeat(width)).join('  '), ...cells.map(line)].join('\n');
}
