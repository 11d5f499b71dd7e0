// Sections of a dictionary that the home screen does not need (see vite.config.ts).
declare module 'words-*' {
  const words: unknown;
  export default words;
}
