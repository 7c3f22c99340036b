//! Browsers that people are told things on: each person keeps their own.

use model::{Browser, Change, Decision, Delivery, Effect, Id, Permission, Phrase, Rejected, Session, User};

use crate::Step;

const NOT_A_SUBSCRIPTION: Phrase = Phrase::new(
    "không phải là đăng ký nhận thông báo của trình duyệt",
    "is not a push subscription of a browser",
);
const UNKNOWN: Phrase = Phrase::new(
    "trình duyệt này không còn đăng ký",
    "this browser is no longer subscribed",
);

/// The browsers of one person, as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// The browsers, oldest first.
    pub browsers: Vec<Browser>,
    /// The revision of the setting that holds them; 0 before the first.
    pub revision: u64,
}

impl Kept {
    /// The setting in which the browsers of a person are kept.
    #[must_use]
    pub fn setting(user: Id<User>) -> String {
        format!("browsers:{user}")
    }

    /// Reads the setting; one that cannot be read counts as empty, and the next change replaces it.
    #[must_use]
    pub fn read(setting: Option<(String, u64)>) -> Self {
        let (body, revision) = setting.unwrap_or_default();
        Self {
            browsers: serde_json::from_str(&body).unwrap_or_default(),
            revision,
        }
    }

    fn put(self, user: Id<User>) -> Change {
        Change::PutSetting {
            name: Self::setting(user),
            value: serde_json::to_string(&self.browsers).expect("browsers are always JSON"),
            revision: self.revision + 1,
        }
    }
}

/// Keeps a browser, in place of the same one or of the oldest where there are too many.
///
/// # Errors
/// When it is no subscription over https.
pub fn subscribe(user: &User, mut kept: Kept, browser: Browser, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::OwnAccount)?;
    let endpoint = endpoint(&browser.subscription).ok_or(Rejected::Invalid {
        field: "subscription",
        problem: NOT_A_SUBSCRIPTION,
    })?;
    kept.browsers
        .retain(|other| self::endpoint(&other.subscription).as_ref() != Some(&endpoint));
    if kept.browsers.len() >= Browser::PER_PERSON_MAX {
        kept.browsers.remove(0);
    }
    let agent = browser.agent[..browser.agent.floor_char_boundary(Session::AGENT_BYTES_MAX)].to_owned();
    kept.browsers.push(Browser { agent, ..browser });
    Ok(step.decides("browser.subscribe", None, vec![kept.put(user.id)]))
}

/// Forgets the browser at a place of the list.
///
/// # Errors
/// When there is none.
pub fn unsubscribe(user: &User, mut kept: Kept, place: usize, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::OwnAccount)?;
    if place >= kept.browsers.len() {
        return Err(Rejected::NotNow(UNKNOWN));
    }
    kept.browsers.remove(place);
    Ok(step.decides("browser.unsubscribe", None, vec![kept.put(user.id)]))
}

/// Sends a test to the browser at a place of the list, the same way as every other message.
///
/// # Errors
/// When there is none.
pub fn try_out(kept: &Kept, place: usize, text: Phrase, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::OwnAccount)?;
    let browser = kept.browsers.get(place).ok_or(Rejected::NotNow(UNKNOWN))?;
    let mut decision = step.decides("browser.test", None, Vec::new());
    decision.effects.push(Effect::Deliver {
        delivery: Box::new(Delivery {
            channel: Delivery::TO_BROWSERS.to_owned(),
            to: browser.subscription.clone(),
            subject: "Watchpost".to_owned(),
            text: format!(
                "{} / {}",
                text.text(model::Language::Vi),
                text.text(model::Language::En)
            ),
            link: Some("/account".to_owned()),
            urgent: false,
            about: None,
        }),
    });
    Ok(decision)
}

/// The endpoint of a subscription, when it is one that may be used.
fn endpoint(subscription: &str) -> Option<String> {
    if subscription.len() > Browser::SUBSCRIPTION_BYTES_MAX {
        return None;
    }
    let read: serde_json::Value = serde_json::from_str(subscription).ok()?;
    let endpoint = read["endpoint"].as_str()?;
    let has_keys = ["p256dh", "auth"].iter().all(|key| read["keys"][key].is_string());
    (has_keys && endpoint.starts_with("https://")).then(|| endpoint.to_owned())
}
