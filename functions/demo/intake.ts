import { part } from './dom.ts';
import type { Picture } from './picture.ts';
import { Problem } from './problem.ts';

export interface Intake {
  onPicture(picture: Picture): void;
  onProblem(problem: Problem): void;
}

/** Choose, drop (anywhere on the page), or paste (keys or button): each gives a picture or says why not. */
export function listenForPictures(zone: HTMLElement, { onPicture, onProblem }: Intake): void {
  const input = part(zone, 'input[type=file]', HTMLInputElement);
  const give = (file: File) => onPicture({ blob: file, name: file.name });

  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (file) give(file);
    // So that choosing the same file again is a change too.
    input.value = '';
  });

  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) zone.classList.remove('over');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    const file = event.dataTransfer?.files[0];
    if (file) give(file);
    else
      onProblem(
        new Problem('That was no file', 'A link or text was dropped. Save the picture first, then drop its file.'),
      );
  });

  document.addEventListener('paste', (event) => {
    const file = event.clipboardData?.files[0];
    if (file) give(file);
    else onProblem(nothingToPaste());
  });
  listenForPasteButton(part(zone, 'button', HTMLButtonElement), { onPicture, onProblem });
}

/** For devices without keys: shown only where the browser lets a page read the clipboard. */
function listenForPasteButton(button: HTMLButtonElement, { onPicture, onProblem }: Intake): void {
  if (!navigator.clipboard || !('read' in navigator.clipboard)) return;
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((candidate) => candidate.startsWith('image/'));
        if (!type) continue;
        onPicture({ blob: await item.getType(type), name: `pasted.${type.slice('image/'.length)}` });
        return;
      }
      onProblem(nothingToPaste());
    } catch (error) {
      onProblem(
        new Problem(
          'The clipboard was not given',
          'The browser asks before a page may read it. Allow it, or choose a file.',
          {
            cause: error,
          },
        ),
      );
    }
  });
}

const nothingToPaste = () =>
  new Problem('There is no picture in the clipboard', 'It is empty or has text. Copy a picture, then paste again.');
