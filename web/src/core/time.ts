// When something was sent, in the reader's zone and words.

const DAY_MS = 24 * 3_600_000;

/** Short: the time of today, the weekday of this week, else the day. */
export function shortTime(at: string, now: Date, locale: string): string {
  const date = new Date(at);
  const days = Math.round((startOfDay(now) - startOfDay(date)) / DAY_MS);
  const say = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options).format(date);
  const time: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  if (days === 0) return say(time);
  if (days === 1) {
    const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-1, 'day');
    return `${words.charAt(0).toUpperCase()}${words.slice(1)} ${say(time)}`;
  }
  if (days > 1 && days < 7) return say({ weekday: 'short', ...time });
  if (date.getFullYear() === now.getFullYear()) return say({ month: 'short', day: 'numeric' });
  return say({ year: 'numeric', month: 'short', day: 'numeric' });
}

/** Day and time in full. */
export function fullTime(at: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' }).format(new Date(at));
}

/** Minutes and seconds of a sound. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '0:00';
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
