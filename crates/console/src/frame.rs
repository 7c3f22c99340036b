//! What is around every page: the rail with the places, the person, the live state; the bare door before signing in.

use std::sync::Arc;

use maud::{DOCTYPE, Markup, html};
use model::{Permission, RuleIdentity, User};

use crate::rules::RuleCatalog;
use crate::{assets, marks::Mark, moments::Moments, on_duty::OnDuty, text::visible, words::Words};

/// What a page needs to know about who looks at it, and when.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) words: Words,
    pub(crate) moments: Moments,
    /// `light` or `dark` when somebody chose; otherwise the system's preference rules.
    pub(crate) theme: Option<&'static str>,
    /// The rules as they are loaded, for their titles in the reader's language.
    pub(crate) rules: Arc<RuleCatalog>,
    /// Who looks, once signed in.
    pub(crate) user: Option<User>,
    /// The ledger's revision that the page shows.
    pub(crate) revision: u64,
    /// Alerts that nobody has taken.
    pub(crate) waiting: u64,
    /// What was just done, to be told once.
    pub(crate) toast: Option<Toast>,
    /// Who is on duty now, for the head of the page.
    pub(crate) on_duty: Arc<Vec<OnDuty>>,
}

impl View {
    /// A rule's title in the reader's language.
    pub(crate) fn rule_title<'a>(&'a self, rule: &'a RuleIdentity) -> &'a str {
        self.rules.title(rule, self.words.0)
    }

    /// Whether the person may.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.user.as_ref().is_some_and(|user| user.role.allows(permission))
    }
}

/// What was just done, and how to undo it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toast {
    pub(crate) text: String,
    /// The entry that undoing takes back, when it can be undone.
    pub(crate) undo: Option<String>,
    /// The address that undoes it.
    pub(crate) undo_at: String,
    /// Where to go after undoing.
    pub(crate) back: String,
}

/// The places of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Queue,
    Incidents,
    Watches,
    Duty,
    Hunt,
    Actions,
    Silences,
    Sources,
    Rules,
    DutyBook,
    Users,
    Account,
}

impl Place {
    const ALL: [Place; 11] = [
        Self::Queue,
        Self::Incidents,
        Self::Duty,
        Self::Watches,
        Self::Hunt,
        Self::Actions,
        Self::Silences,
        Self::Sources,
        Self::Rules,
        Self::DutyBook,
        Self::Users,
    ];

    fn shown(self, words: Words) -> (&'static str, &'static str, Mark, Permission) {
        match self {
            Self::Queue => ("/queue", words.nav_queue(), Mark::Queue, Permission::ReadAlerts),
            Self::Incidents => (
                "/incidents",
                words.nav_incidents(),
                Mark::Incident,
                Permission::ReadAlerts,
            ),
            Self::Watches => ("/watches", words.nav_watches(), Mark::Watch, Permission::ReadWatches),
            Self::Duty => ("/duty", words.nav_duty(), Mark::Duty, Permission::ReadDuty),
            Self::Hunt => ("/hunt", words.nav_hunt(), Mark::Search, Permission::Hunt),
            Self::Actions => ("/actions", words.nav_actions(), Mark::Shield, Permission::ReadResponse),
            Self::Silences => (
                "/silences",
                words.nav_silences(),
                Mark::Silence,
                Permission::ReadSilences,
            ),
            Self::Sources => ("/sources", words.nav_sources(), Mark::Source, Permission::ReadSources),
            Self::Rules => ("/rules", words.nav_rules(), Mark::Rule, Permission::ReadRules),
            Self::DutyBook => (
                "/duty-book",
                words.nav_duty_book(),
                Mark::DutyBook,
                Permission::ReadLedger,
            ),
            Self::Users => ("/users", words.nav_users(), Mark::Users, Permission::WriteUsers),
            Self::Account => ("/account", words.nav_account(), Mark::Account, Permission::OwnAccount),
        }
    }
}

/// A page inside the frame.
pub(crate) fn page(view: &View, here: Place, title: &str, content: &Markup) -> Markup {
    let words = view.words;
    let body = html! {
        a.skip href="#content" { (words.skip_to_content()) }
        div.frame {
            (rail(view, here))
            main #content tabindex="-1" { (on_duty(view)) (content) }
        }
        @if let Some(toast) = &view.toast { (shown_toast(view, toast)) }
        (keys_dialog(words))
    };
    document(view, title, "", &body)
}

/// Who is on duty, above every page: whoever looks for a person finds one at once.
fn on_duty(view: &View) -> Markup {
    let words = view.words;
    html! { @if !view.on_duty.is_empty() {
        aside.on-duty data-live="on-duty" aria-label=(words.duty_strip()) {
            a href="/duty" { (Mark::Duty.draw()) (words.duty_strip()) }
            @for line in view.on_duty.iter() { span class=[line.people.is_empty().then_some("is-gap")] {
                small { (visible(&line.position)) } " "
                @if line.people.is_empty() { strong { (words.duty_nobody()) } } @else { strong { (visible(&line.people.join(", "))) } }
                @if let Some(until) = line.until { " " small { (words.duty_until()) " " (view.moments.minute(until)) } }
            } }
        }
    } }
}

/// A page without the frame: signing in, setting up, an error before either.
pub(crate) fn door(view: &View, title: &str, content: &Markup) -> Markup {
    let body = html! {
        div.door { main {
            div.card { (brand(view.words)) (content) }
            p.foot {
                @for other in Words::ALL {
                    a href={ "?language=" (other.tag()) } lang=(other.tag()) aria-current=[(other == view.words).then_some("true")] {
                        (other.own_name())
                    }
                }
            }
        } }
    };
    document(view, title, "", &body)
}

/// The whole document around a body.
pub(crate) fn document(view: &View, title: &str, body_class: &str, body: &Markup) -> Markup {
    let words = view.words;
    html! {
        (DOCTYPE)
        html lang=(words.tag()) data-theme=[view.theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="same-origin";
                title { @if view.waiting > 0 { "(" (view.waiting) ") " } (title) " · " (words.product()) }
                link rel="icon" href=(assets::ICON.address()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::STYLE.address());
                script src=(assets::SCRIPT.address()) defer {}
            }
            body class=[(!body_class.is_empty()).then_some(body_class)] data-now=(view.moments.now) data-revision=(view.revision)
                data-word-now=(words.now()) data-word-copied=(words.copied())
                data-live-on=(words.live_on()) data-live-off=(words.live_off()) { (body) }
        }
    }
}

/// The name of the post with its mark.
pub(crate) fn brand(words: Words) -> Markup {
    html! { a.brand href="/" { (Mark::Watch.draw()) (words.product()) } }
}

fn rail(view: &View, here: Place) -> Markup {
    let words = view.words;
    html! {
        header.rail {
            (brand(words))
            nav aria-label=(words.navigation()) { ul {
                @for place in Place::ALL {
                    @let (address, word, mark, permission) = place.shown(words);
                    @if view.may(permission) {
                        li { a href=(address) aria-current=[(place == here).then_some("page")] {
                            (mark.draw()) (word)
                            @if place == Place::Queue { span data-live="rail-count" {
                                @if view.waiting > 0 { span.count { (words.number(view.waiting)) span.visually-hidden { " " (words.unacknowledged()) } } }
                            } }
                        } }
                    }
                }
                li { a href="/wall" { (Mark::Wall.draw()) (words.nav_wall()) } }
            } }
            div.rail-foot {
                p.live-state role="status" { (words.live_on()) }
                @if let Some(user) = &view.user {
                    a.person href="/account" aria-current=[(here == Place::Account).then_some("page")] {
                        (user.display_name) small { (words.role_word(user.role)) }
                    }
                }
                div.tools {
                    button.tool type="button" data-theme-switch title=(words.theme_switch()) aria-label=(words.theme_switch()) { (Mark::Theme.draw()) }
                    button.tool type="button" data-dialog="keys-dialog" title=(words.keyboard_help()) aria-label=(words.keyboard_help()) { (Mark::Keyboard.draw()) }
                    form method="post" action="/sign-out" {
                        button.tool type="submit" title=(words.sign_out()) aria-label=(words.sign_out()) { (Mark::SignOut.draw()) }
                    }
                }
            }
        }
    }
}

fn shown_toast(view: &View, toast: &Toast) -> Markup {
    html! {
        div.toast role="status" {
            span { (toast.text) }
            @if let Some(undo) = &toast.undo {
                form method="post" action=(toast.undo_at) data-in-place {
                    input type="hidden" name="undo" value=(undo);
                    input type="hidden" name="back" value=(toast.back);
                    button.button.small type="submit" { (Mark::Undo.draw()) (view.words.undo()) }
                }
            }
        }
    }
}

fn keys_dialog(words: Words) -> Markup {
    let keys: [(&[&str], &str); 10] = [
        (&["j", "k"], words.keys_move()),
        (&["x"], words.keys_select()),
        (&["Enter"], words.keys_open()),
        (&["a"], words.keys_acknowledge()),
        (&["c"], words.keys_close()),
        (&["u"], words.keys_undo()),
        (&["/"], words.keys_search()),
        (&["g", "q h s n r d w"], words.keys_go()),
        (&["Esc"], words.keys_escape()),
        (&["?"], words.keys_help()),
    ];
    html! {
        dialog #keys-dialog aria-labelledby="keys-title" { div.inner {
            h2 #keys-title { (words.keyboard_help()) }
            dl.keys { @for (keys, meaning) in keys {
                dt { @for key in keys { kbd { (key) } " " } }
                dd { (meaning) }
            } }
            div.form-actions { button.button type="button" data-dismiss autofocus { (words.close_dialog()) } }
        } }
    }
}
