// Tables of words and numbers.

/** A whole number with gaps. */
export const grouped = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ' ');

/** A row: its name, and a cell for each column. */
export type Row = readonly [string, ...string[]];

/** A title, a line of names of columns, the rows; nothing where there are none. */
export function block(title: string, rows: readonly Row[], head: Row): readonly string[] {
  if (rows.length === 0) return [];
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)));
  const line = (row: Row): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('   ');
  const rule = '-'.repeat(widths.reduce((all, width) => all + width + 3, -3));
  return [title, line(head), rule, ...rows.map(line), ''];
}
