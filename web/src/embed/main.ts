// `<qunfa-inbox token="…">` for pages of any origin: a bell with the unread count, and a panel with the newest messages.

import { defineCustomElement } from 'vue';
import InboxBell from './InboxBell.vue';

// A page may load the module twice.
if (!customElements.get('qunfa-inbox')) customElements.define('qunfa-inbox', defineCustomElement(InboxBell));
