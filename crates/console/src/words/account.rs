//! Words of accounts: the first one, signing in, one's own, and everybody's.

super::messages! {
    sign_in: "Đăng nhập", "Sign in";
    sign_in_lead: "Trạm trực an toàn thông tin mạng", "Network security watch";
    login: "Tên đăng nhập", "Sign-in name";
    login_hint: "Chữ thường không dấu, chữ số, dấu chấm, gạch ngang.", "Lower-case letters, digits, dot, dash.";
    password: "Mật khẩu", "Password";
    password_hint: "Ít nhất 15 ký tự. Một câu dài dễ nhớ tốt hơn một từ phức tạp.", "At least 15 characters. A long phrase beats a complicated word.";
    sign_in_wrong: "Tên đăng nhập hoặc mật khẩu không đúng.", "The name or the password is not right.";
    sign_in_limited: "Đã thử quá nhiều lần. Hãy chờ vài phút.", "Too many attempts. Wait a few minutes.";
    setup_title: "Tạo tài khoản đầu tiên", "Make the first account";
    setup_lead: "Người này là quản trị viên: tạo tài khoản cho những người khác và kết nối nguồn nhật ký.", "This person administers the post: makes the other accounts and connects the sources.";
    setup_create: "Tạo và đăng nhập", "Create and sign in";
    setup_used: "Liên kết này không còn dùng được", "This link is no longer valid";
    setup_used_next: "Liên kết chỉ dùng một lần. Khởi động lại Watchpost để có liên kết mới, hoặc đăng nhập nếu đã có tài khoản.", "The link works once. Restart Watchpost for a new one, or sign in if there is an account already.";
    display_name: "Tên hiển thị", "Displayed name";
    role: "Vai trò", "Role";
    account_title: "Tài khoản của tôi", "My account";
    account_password: "Đổi mật khẩu", "Change password";
    account_password_current: "Mật khẩu hiện tại", "Current password";
    account_password_new: "Mật khẩu mới", "New password";
    account_password_changed: "Đã đổi mật khẩu; các phiên khác đã kết thúc.", "The password was changed; the other sessions were ended.";
    account_password_wrong: "Mật khẩu hiện tại không đúng.", "The current password is not right.";
    account_language: "Ngôn ngữ", "Language";
    account_sessions: "Các phiên đăng nhập", "Sessions";
    account_sessions_lead: "Phiên lạ? Hãy kết thúc nó rồi đổi mật khẩu.", "Is one not yours? End it and change the password.";
    session_this: "phiên này", "this one";
    session_started: "Bắt đầu", "Started";
    session_until: "Hết hạn", "Ends";
    session_where: "Từ đâu", "From";
    session_end: "Kết thúc phiên", "End";
    users_title: "Tài khoản", "Accounts";
    users_new: "Thêm tài khoản", "Add an account";
    users_initial_password: "Mật khẩu ban đầu", "Initial password";
    users_enabled: "Đang dùng", "Enabled";
    users_disabled: "Đã khoá", "Disabled";
    users_disable: "Khoá", "Disable";
    users_enable: "Mở khoá", "Enable";
    users_created: "Tạo lúc", "Created";
}
