import { cut, type Drawing, rect, text } from './svg.ts';

/** Beyond this many classes a cell is too small for its number. */
const NUMBERED = 20;

/** Rows are the true class, columns what it was taken for; a cell's strength is its share of the row. */
export function confusionPlot(confusion: readonly (readonly number[])[], names: readonly string[]): Drawing {
  const classes = names.length;
  const cell = classes <= NUMBERED ? Math.max(30, Math.min(64, 560 / classes)) : Math.max(4, 640 / classes);
  const labelled = cell >= 11;
  const LEFT = labelled ? 20 + 7 * Math.min(16, Math.max(...names.map(({ length }) => length))) : 40;
  const upright = classes > 4;
  const TOP = labelled && upright ? LEFT + 10 : 60;
  const cells = confusion.flatMap((row, label) => {
    const images = row.reduce((sum, count) => sum + count, 0);
    return row.flatMap((count, taken) => {
      if (count === 0) return [];
      const share = count / images;
      const [x, y] = [LEFT + taken * cell, TOP + label * cell];
      // Mistakes are rare: their strength is the root of their share, so that they can be seen at all.
      const strength = label === taken ? share : Math.sqrt(share);
      const kind = label === taken ? 'heat' : 'heat off';
      const tip = `${names[label]} taken for ${names[taken]}: ${count} of ${images}`;
      const number = { anchor: 'middle', ...(strength > 0.55 && { kind: 'on-heat' }) } as const;
      return [
        rect(
          x + 1,
          y + 1,
          cell - 2,
          cell - 2,
          `rx="2" class="${kind}" fill-opacity="${(0.08 + 0.87 * strength).toFixed(3)}"`,
          tip,
        ),
        ...(classes <= NUMBERED ? [text(x + cell / 2, y + cell / 2 + 4, String(count), number)] : []),
      ];
    });
  });
  const rows = names.flatMap((name, at) => {
    const middle = TOP + at * cell + cell / 2 + 4;
    return labelled ? [text(LEFT - 8, middle, cut(name, 18), { anchor: 'end' })] : [];
  });
  const columns = names.flatMap((name, at) => {
    const middle = LEFT + at * cell + cell / 2;
    if (!labelled) return [];
    return upright
      ? [text(middle + 4, TOP - 8, cut(name, 18), { up: true })]
      : [text(middle, TOP - 8, cut(name, Math.floor(cell / 6)), { anchor: 'middle' })];
  });
  const side = classes * cell;
  const body = [
    text(0, 16, 'Confusion matrix', { kind: 'title' }),
    text(0, 34, 'rows: true class', { kind: 'note' }),
    ...(upright ? [text(0, 50, 'columns: taken for', { kind: 'note' })] : []),
    `<rect class="grid" x="${LEFT}" y="${TOP}" width="${side}" height="${side}"/>`,
    ...cells,
    ...rows,
    ...columns,
  ];
  return {
    title: 'Confusion matrix',
    width: Math.max(LEFT + side + 8, 240),
    height: TOP + side + 8,
    body: body.join(''),
  };
}
