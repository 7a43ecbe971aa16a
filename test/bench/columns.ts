/** Lines of cells side by side, each column as wide as its widest cell. */
export function columns(lines: readonly (readonly string[])[], sides: readonly ('start' | 'end')[]): string {
  const widths = sides.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          sides[column] === 'end' ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
