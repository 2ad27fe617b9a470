import { defineCustomElement } from 'vue';
import Inbox from './Inbox.vue';

customElements.define('qunfa-inbox', defineCustomElement(Inbox));
