import './lib/tokens.css';
import './lib/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { loadWords } from './lib/i18n.svelte.ts';
import { prefs } from './lib/prefs.svelte.ts';

const place = document.getElementById('app');
if (!place) throw new Error('#app is missing in index.html');
await loadWords(prefs.lang);
mount(App, { target: place });
