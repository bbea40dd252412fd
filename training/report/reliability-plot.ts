import type { Reliability } from '../evaluate/calibration.ts';
import { type Drawing, joined, percent, rect, short, text } from './svg.ts';

const [SIZE, LEFT, TOP, BOTTOM, RIGHT] = [300, 54, 34, 52, 12];
const TENTHS = [0, 0.2, 0.4, 0.6, 0.8, 1];

/** How often it is right, over how sure it is: on the diagonal a probability is a share. Before temperature, and after. */
export function reliabilityPlot(before: Reliability, after: Reliability, temperature: number): Drawing {
  const diagrams = [diagram('As the network gives it', before)];
  if (temperature !== 1) diagrams.push(diagram(`At temperature ${temperature}`, after));
  return joined('Reliability', diagrams, 'row');
}

function diagram(title: string, { bins, ece }: Reliability): Drawing {
  const x = (share: number) => LEFT + share * SIZE;
  const y = (share: number) => TOP + (1 - share) * SIZE;
  const images = bins.reduce((sum, { count }) => sum + count, 0);
  const axes = TENTHS.flatMap((share) => [
    `<path class="grid" d="M${LEFT} ${y(share)}h${SIZE}"/>`,
    text(LEFT - 6, y(share) + 4, share.toFixed(1), { anchor: 'end', kind: 'note' }),
    text(x(share), TOP + SIZE + 18, share.toFixed(1), { anchor: 'middle', kind: 'note' }),
  ]);
  const columns = bins.flatMap(({ from, to, count, confidence, accuracy }) => {
    if (count === 0) return [];
    const [left, width] = [x(from) + 1, (to - from) * SIZE - 2];
    const [top, bottom] = [y(Math.max(accuracy, confidence)), y(Math.min(accuracy, confidence))];
    const tip = `${count} images: sure ${percent(confidence)}, right ${percent(accuracy)}`;
    // Few images say little: their column is pale.
    const opacity = (0.25 + 0.75 * Math.min(1, (20 * count) / images)).toFixed(2);
    return [
      rect(left, y(accuracy), width, accuracy * SIZE, `class="fill first" fill-opacity="${opacity}"`, tip),
      rect(left, top, width, Math.max(bottom - top, 0.5), 'class="gap"', tip),
    ];
  });
  const body = [
    text(LEFT, 20, title, { kind: 'title' }),
    text(LEFT + SIZE, 20, `ECE ${percent(ece, 2)}`, { anchor: 'end' }),
    ...axes,
    ...columns,
    `<path class="frame" stroke-dasharray="4 4" d="M${x(0)} ${y(0)}L${x(1)} ${y(1)}"/>`,
    text(LEFT + SIZE / 2, TOP + SIZE + 38, 'probability of the first class', { anchor: 'middle', kind: 'note' }),
    text(12, TOP + SIZE / 2, 'share that is right', { anchor: 'middle', kind: 'note', up: true }),
  ];
  return { title: short(ece), width: LEFT + SIZE + RIGHT, height: TOP + SIZE + BOTTOM, body: body.join('') };
}
