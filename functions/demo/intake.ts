import { part } from './dom.ts';
import type { Picture } from './picture.ts';
import { Problem } from './problem.ts';

export interface Intake {
  /** One or more. */
  onPictures(pictures: readonly Picture[]): void;
  onProblem(problem: Problem): void;
}

/** Files that are chosen or dropped in a part of the page; what is dropped there is not to be classified. */
export function listenForFiles(
  section: HTMLElement,
  take: (files: readonly File[], text?: string) => Promise<void>,
): void {
  const input = part(section, 'input[type=file]', HTMLInputElement);
  input.addEventListener('change', async () => {
    await take(Array.from(input.files ?? []));
    input.value = '';
  });
  section.addEventListener('drop', (event) => {
    event.preventDefault();
    event.stopPropagation();
    void take(Array.from(event.dataTransfer?.files ?? []), event.dataTransfer?.getData('text/plain'));
  });
}

/** Choose, drop (anywhere on the page), or paste (keys or button): each gives a picture or says why not. */
export function listenForPictures(zone: HTMLElement, { onPictures, onProblem }: Intake): void {
  const input = part(zone, 'input[type=file]', HTMLInputElement);
  /** @returns whether there were any */
  const give = (files: Iterable<File>) => {
    const pictures = Array.from(files, (file) => ({ blob: file, name: file.name }));
    if (pictures.length > 0) onPictures(pictures);
    return pictures.length > 0;
  };

  input.addEventListener('change', () => {
    give(input.files ?? []);
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
    if (!give(event.dataTransfer?.files ?? []))
      onProblem(
        new Problem('That was no file', 'A link or text was dropped. Save the picture first, then drop its file.'),
      );
  });

  document.addEventListener('paste', (event) => {
    const given = give(event.clipboardData?.files ?? []);
    // Text that is pasted into a field, such as a key, is the field's.
    const isField = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
    if (!given && !isField) onProblem(nothingToPaste());
  });
  listenForPasteButton(part(zone, '#paste', HTMLButtonElement), { onPictures, onProblem });
}

/** For devices without keys: shown only where the browser lets a page read the clipboard. */
function listenForPasteButton(button: HTMLButtonElement, { onPictures, onProblem }: Intake): void {
  if (!navigator.clipboard || !('read' in navigator.clipboard)) return;
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((candidate) => candidate.startsWith('image/'));
        if (!type) continue;
        onPictures([{ blob: await item.getType(type), name: `pasted.${type.slice('image/'.length)}` }]);
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
