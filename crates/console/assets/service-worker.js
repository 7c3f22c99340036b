// Shows what the post pushes, and opens where it leads; nothing else, and nothing is kept.
"use strict";
addEventListener("push", (event) => {
  let message = {};
  try { message = event.data?.json() ?? {}; } catch { /* shown without its text: something was said, and somebody must look */ }
  event.waitUntil(registration.showNotification(message.title || "Watchpost", {
    body: message.body || "", tag: message.tag, data: { link: message.link }, requireInteraction: message.urgency === "high",
  }));
});
addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(event.notification.data?.link || "/", location.origin);
  // A pushed link leads into this console and nowhere else.
  event.waitUntil(clients.openWindow(target.origin === location.origin ? target.href : "/"));
});
