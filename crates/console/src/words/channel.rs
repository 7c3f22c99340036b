//! Words of channels: how people are reached, and the browsers of one person.

super::messages! {
    channels_title: "Kênh thông báo", "Channels";
    channels_lead: "Tin nhắn đi qua từng kênh ra sao: lần gửi được gần nhất, lần hỏng gần nhất, còn chờ bao nhiêu.", "How messages leave, channel by channel: when it last worked, when it last failed, what is waiting.";
    channel: "Kênh", "Channel";
    channel_waiting: "Đang chờ", "Waiting";
    channel_delivered: "Đã gửi", "Sent";
    channel_dead: "Bỏ cuộc", "Given up";
    channel_last_delivered: "Gửi được lần cuối", "Last sent";
    channel_last_failed: "Hỏng lần cuối", "Last failed";
    channel_works: "hoạt động", "works";
    channel_fails: "đang hỏng", "fails";
    channel_unknown: "chưa dùng lần nào", "never used";
    channel_not_configured: "không có trong cấu hình", "not configured";
    channel_announcements: "Báo tin cảnh báo", "Announcements of alerts";
    channel_email: "thư điện tử", "e-mail";
    channel_sms: "tin nhắn SMS", "SMS";
    channel_chat: "nhóm trò chuyện", "chat";
    channel_push: "trình duyệt", "browsers";
    dead_letters: "Tin đã bỏ cuộc", "Messages given up";
    dead_letters_lead: "Các tin này không tới nơi và sẽ không được gửi lại, trừ khi có người yêu cầu.", "These did not arrive and are not sent again unless somebody asks for it.";
    dead_letters_none: "Không có tin nào bị bỏ cuộc.", "No message was given up.";
    dead_letter_to: "Gửi tới", "To";
    dead_letter_why: "Vì sao", "Why";
    dead_letter_retry: "Gửi lại", "Send again";
    browsers_title: "Thông báo trên thiết bị này", "Messages on this device";
    browsers_lead: "Trình duyệt này hiện thông báo của trạm trực kể cả khi không mở trang nào.", "This browser shows messages of the post even when no page is open.";
    browsers_subscribe: "Nhận thông báo tại đây", "Show messages here";
    browsers_impossible: "Trình duyệt này không nhận được: cần HTTPS và một trình duyệt có hỗ trợ thông báo đẩy.", "Not possible in this browser: it needs HTTPS and a browser with push messages.";
    browsers_denied: "Trình duyệt không cho phép thông báo. Hãy bật quyền thông báo cho trang này.", "The browser does not allow notifications. Allow them for this site.";
    browsers_failed: "Không đăng ký được với dịch vụ thông báo của trình duyệt.", "The browser's push service did not take the subscription.";
    browsers_test: "Gửi thử", "Send a test";
    browsers_remove: "Ngừng nhận", "Stop";
    browsers_since: "Từ", "Since";
}
