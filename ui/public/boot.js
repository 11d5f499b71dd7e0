// Before the first paint: the language and the colours the user chose on this device.
try {
  const saved = JSON.parse(localStorage.getItem('hidamari') || '{}');
  const root = document.documentElement;
  root.lang = saved.lang || (navigator.language.startsWith('ja') ? 'ja' : 'en');
  if (saved.theme === 'light' || saved.theme === 'dark') root.dataset.theme = saved.theme;
} catch {
  // storage may be closed (private window): the defaults stay
}
