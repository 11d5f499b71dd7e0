// The browser's offer to put the app on the home screen, kept until somebody wants it.

interface Question extends Event {
  prompt: () => Promise<unknown>;
}

class Installing {
  question = $state.raw<Question | null>(null);

  constructor() {
    addEventListener('beforeinstallprompt', (event) => {
      event.preventDefault();
      this.question = event as Question;
    });
  }

  async ask(): Promise<void> {
    const question = this.question;
    this.question = null;
    await question?.prompt();
  }
}

export const installing = new Installing();
