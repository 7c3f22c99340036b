//! `POST /account/browsers…`: the browsers on which a person is told things.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Redirect,
};
use maud::{Markup, html};
use model::{Browser, Phrase};
use operations::browsers::{self, Kept};

use crate::{desk::Desk, form::Form, frame::View, guard::Visit, text::visible, trouble::Trouble};

const TEST: Phrase = Phrase::new(
    "Thông báo thử: thiết bị này nhận được.",
    "A test: this device is reached.",
);

/// The browsers of whoever visits.
pub(crate) async fn kept(visit: &Visit, desk: &Desk) -> Result<Kept, Trouble> {
    let (scope, name) = (visit.scope.clone(), Kept::setting(visit.user.id));
    let setting = desk.read(move |ledger| ledger.setting(&scope, &name)).await?;
    Ok(Kept::read(setting))
}

/// Keeps the browser that asks.
pub(crate) async fn subscribe(
    visit: Visit,
    State(desk): State<Desk>,
    headers: HeaderMap,
    form: Form,
) -> Result<Redirect, Trouble> {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let browser = Browser {
        subscription: form.required("subscription")?.to_owned(),
        agent: agent.unwrap_or_default().to_owned(),
        since: desk.now(),
    };
    let kept = kept(&visit, &desk).await?;
    desk.apply(browsers::subscribe(&visit.user, kept, browser, visit.step(&desk))?)
        .await?;
    Ok(Redirect::to("/account"))
}

/// Forgets one.
pub(crate) async fn remove(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let kept = kept(&visit, &desk).await?;
    desk.apply(browsers::unsubscribe(
        &visit.user,
        kept,
        place(&form)?,
        visit.step(&desk),
    )?)
    .await?;
    Ok(Redirect::to("/account"))
}

/// Sends a test to one.
pub(crate) async fn test(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let kept = kept(&visit, &desk).await?;
    desk.apply(browsers::try_out(&kept, place(&form)?, TEST, visit.step(&desk))?)
        .await?;
    Ok(Redirect::to("/account"))
}

fn place(form: &Form) -> Result<usize, Trouble> {
    form.required("place")?.parse().map_err(|_| Trouble::BadRequest)
}

/// The card on the account's page.
pub(crate) fn card(view: &View, kept: &Kept, push_key: &str) -> Markup {
    let words = view.words;
    html! {
        section.card { header { h2 { (words.browsers_title()) } } div.body {
            p { (words.browsers_lead()) }
            form.actions method="post" action="/account/browsers" data-push-key=(push_key)
                data-impossible=(words.browsers_impossible()) data-denied=(words.browsers_denied()) data-failed=(words.browsers_failed()) {
                input type="hidden" name="subscription";
                button.button.primary type="submit" { (words.browsers_subscribe()) }
                span.muted role="status" data-push-state {}
            }
            @if !kept.browsers.is_empty() { ul.plain { @for (place, browser) in kept.browsers.iter().enumerate() { li {
                p.break { (visible(&browser.agent)) br; small { (words.browsers_since()) " " (view.moments.exact(browser.since)) } }
                form.actions method="post" action="/account/browsers/test" {
                    input type="hidden" name="place" value=(place);
                    button.button.small type="submit" { (words.browsers_test()) }
                    button.button.small type="submit" formaction="/account/browsers/remove" { (words.browsers_remove()) }
                }
            } } } }
        } }
    }
}
