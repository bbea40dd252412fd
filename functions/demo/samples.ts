import type { Intake } from './intake.ts';
import { Problem } from './problem.ts';

/** The strip that the build wrote into the page: buttons, each with its picture in it. */
export function listenForSamples(strip: HTMLElement, { onPictures, onProblem }: Intake): void {
  strip.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    const source = button?.querySelector('img')?.src;
    if (!button || !source) return;
    const path = new URL(source).pathname;
    try {
      const response = await fetch(path);
      if (!response.ok) throw await Problem.of(response);
      onPictures([{ blob: await response.blob(), name: path.split('/').at(-1) ?? '', path }]);
      markSample(strip, path);
    } catch (error) {
      onProblem(
        error instanceof Problem
          ? error
          : new Problem('The sample did not come', 'This device may be offline. Check the connection and try again.', {
              cause: error,
            }),
      );
    }
  });
}

/** Shows which sample is the one answered; none where `path` is undefined. */
export function markSample(strip: HTMLElement, path: string | undefined): void {
  for (const button of strip.querySelectorAll('button')) {
    if (path && button.querySelector('img')?.getAttribute('src') === path) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  }
}
