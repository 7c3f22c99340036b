//! Words of rules.

super::messages! {
    rules_title: "Luật phát hiện", "Rules";
    rules_loaded: "Đang chạy", "Loaded";
    rules_refused: "Không nạp được", "Not loaded";
    rules_refused_lead: "Những luật này không canh gì cả cho đến khi được sửa.", "These rules watch nothing until they are mended.";
    rules_empty: "Không có luật nào khớp.", "No rule fits.";
    rules_search: "Tìm tên luật, mã, nguồn…", "Search title, id, log source…";
    rule_hits: "Số lần khớp", "Hits";
    rule_log_source: "Loại nhật ký", "Log source";
    rule_file: "Tệp", "File";
    rule_author: "Tác giả", "Author";
    rule_false_positives: "Trường hợp báo sai đã biết", "Known false positives";
    rule_references: "Tham khảo", "References";
    rule_text: "Nội dung luật", "Text of the rule";
    rule_alerts: "Cảnh báo của luật này", "Alerts of this rule";
    rule_alerts_none: "Luật này chưa nêu cảnh báo nào.", "The rule has raised no alert.";
    rule_id: "Mã luật", "Rule id";
    rule_only_hits: "Chỉ luật đã khớp", "Only rules with hits";
}
