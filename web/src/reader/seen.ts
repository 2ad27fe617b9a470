// Notices which cards a reader really sees: in view for a second, in a page that is looked at.

const SEEN_MS = 1_000;

interface Watch {
  /** To be called with each card and its entry, and with null when the card goes. */
  watch(component: unknown, id: string): void;
  stop(): void;
}

export function watchSeen(seen: (id: string) => void): Watch {
  const cards = new Map<string, Element>();
  const looking = new Map<string, ReturnType<typeof setTimeout>>();
  const leave = (id: string) => {
    clearTimeout(looking.get(id));
    looking.delete(id);
  };
  const look = (id: string) => {
    leave(id);
    looking.set(id, setTimeout(() => (document.hidden ? look(id) : seen(id)), SEEN_MS));
  };
  const observer = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      const id = (target as HTMLElement).dataset['entry'] ?? '';
      if (isIntersecting) look(id);
      else leave(id);
    }
  }, { threshold: 0.3 });
  return {
    watch(component, id) {
      const card = (component as { $el?: Element } | null)?.$el;
      const before = cards.get(id);
      if (card === before) return;
      if (before) observer.unobserve(before);
      leave(id);
      cards.delete(id);
      if (!card) return;
      cards.set(id, card);
      observer.observe(card);
    },
    stop() {
      observer.disconnect();
      looking.forEach(clearTimeout);
    },
  };
}
