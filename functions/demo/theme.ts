/** What the visitor chose, kept on this device; absent while the system decides. */
const KEPT = 'theme';

type Theme = 'light' | 'dark';

const system = matchMedia('(prefers-color-scheme: dark)');

/** Everything in the head that one theme alone needs: the dark stylesheet, the colour of the browser's own bar. */
const parts = Array.from(
  document.head.querySelectorAll<HTMLLinkElement | HTMLMetaElement>('[media*=scheme]'),
  (of) => ({
    of,
    theme: of.media.includes('dark') ? 'dark' : 'light',
  }),
);

/** A button that says what it makes the page; before it is used, the system decides. */
export function listenForTheme(button: HTMLButtonElement): void {
  const show = () => {
    const theme = keptTheme() ?? systemTheme();
    for (const { of, theme: its } of parts) of.media = its === theme ? 'all' : 'not all';
    button.textContent = theme === 'dark' ? 'Light' : 'Dark';
  };
  button.addEventListener('click', () => {
    const theme = (keptTheme() ?? systemTheme()) === 'dark' ? 'light' : 'dark';
    // Back at what the system says, it may change with the system again.
    if (theme === systemTheme()) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, theme);
    show();
  });
  system.addEventListener('change', show);
  show();
}

const systemTheme = (): Theme => (system.matches ? 'dark' : 'light');

function keptTheme(): Theme | undefined {
  const kept = localStorage.getItem(KEPT);
  return kept === 'light' || kept === 'dark' ? kept : undefined;
}
