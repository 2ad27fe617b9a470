// The words of the element, in two languages.

const zh = {
  bell: (unread: number) => (unread > 0 ? `收件箱，${unread} 条未读` : '收件箱'),
  inbox: '收件箱',
  unread: '未读',
  readAll: '全部标为已读',
  close: '关闭',
  openReader: '打开完整收件箱',
  more: '加载更多',
  loading: '加载中…',
  empty: '还没有消息',
  expired: '登录已过期，请刷新页面',
  offline: '没有网络连接，稍后自动重试',
  failing: '服务器暂时无法响应，稍后自动重试',
  arrived: (name: string, title: string) => `${name}发来新消息：${title}`,
  'type.mpnews': '图文', 'type.text': '文字', 'type.image': '图片', 'type.voice': '语音', 'type.mpvideo': '视频',
  'type.music': '音乐', 'type.wxcard': '卡券',
};

const en: typeof zh = {
  bell: (unread) => (unread > 0 ? `Inbox, ${unread} unread` : 'Inbox'),
  inbox: 'Inbox',
  unread: 'Unread',
  readAll: 'Mark all as read',
  close: 'Close',
  openReader: 'Open the whole inbox',
  more: 'Load more',
  loading: 'Loading…',
  empty: 'No messages yet',
  expired: 'The session has expired; reload the page',
  offline: 'No connection; trying again soon',
  failing: 'The server does not answer; trying again soon',
  arrived: (name, title) => `New message from ${name}: ${title}`,
  'type.mpnews': 'Article', 'type.text': 'Text', 'type.image': 'Pictures', 'type.voice': 'Voice', 'type.mpvideo': 'Video',
  'type.music': 'Music', 'type.wxcard': 'Coupon',
};

export type Words = typeof zh;

/** The words for a language tag, or for the page's. */
export function wordsOf(tag: string): Words {
  return (tag || document.documentElement.lang || navigator.language).toLowerCase().startsWith('zh') ? zh : en;
}
