// The picture in one sentence, for those who cannot see it.

import { spokes, type Spoke } from '../energy.ts';
import { number, percent, power } from '../format.ts';
import { t, type Key } from '../i18n.svelte.ts';
import type { Now } from '../types.ts';

function spokeName(spoke: Spoke): string {
  if (spoke.node === 'grid') return t(spoke.inward ? 'energy.buy' : 'energy.sell');
  return t(`energy.${spoke.node}` as Key);
}

export function sceneWords(now: Now): string {
  const parts = spokes(now).map((s) =>
    t(s.inward ? 'home.say_spoke_in' : 'home.say_spoke_out', { name: spokeName(s), n: power(s.kw) }),
  );
  if (now.has.battery && now.soc_pct !== null) parts.push(t('home.say_battery', { n: percent(now.soc_pct) }));
  if (now.has.heater && now.tank_l !== null) parts.push(t('home.say_tank', { n: number(now.tank_l, 0) }));
  return t('home.say_flow', { use: power(now.use_kw), parts: parts.join(t('app.comma')) });
}
