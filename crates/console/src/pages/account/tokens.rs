//! `/account/tokens`: the tokens with which one's own programs use the API.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use ledger::NounFilter;
use maud::{Markup, html};
use model::{ApiToken, Role, User};
use operations::people::api_tokens::{self, DAYS, Draft};

use crate::{
    addresses, bearer,
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    pages::user::list::{role_name, role_of},
    secrets,
    text::visible,
    trouble::Trouble,
    words::Words,
};

/// What happened just now.
enum News {
    Nothing,
    /// A token was made: its name and its text, which is shown this once.
    Made(String, String),
    /// It was not made, for this reason.
    Refused(String),
}

/// Answers with one's own tokens.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, headers: HeaderMap) -> Result<Markup, Trouble> {
    answer(&visit, &desk, &headers, &News::Nothing).await
}

/// Makes a token and shows it, this once.
pub(crate) async fn create(
    visit: Visit,
    State(desk): State<Desk>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Trouble> {
    let draft = Draft {
        name: form.required("name")?.to_owned(),
        role: form.one("role").and_then(role_of).ok_or(Trouble::BadRequest)?,
        days: form
            .one("days")
            .and_then(|days| days.parse().ok())
            .ok_or(Trouble::BadRequest)?,
    };
    let standing = own(&visit, &desk).await?;
    let secret = secrets::secret(bearer::PREFIX, desk.state.randomness.as_ref());
    let step = visit.step(&desk);
    let (status, news) = match api_tokens::create(&draft, (&visit.user, &standing), &secret, step) {
        Ok(decision) => {
            desk.apply(decision).await?;
            (StatusCode::OK, News::Made(draft.name, secret.text))
        }
        Err(rejected) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            News::Refused(rejected.text(visit.view.words.0)),
        ),
    };
    let page = answer(&visit, &desk, &headers, &news).await?;
    Ok((status, page).into_response())
}

/// Revokes one of one's own tokens.
pub(crate) async fn revoke(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let digest = form.required("digest")?;
    let tokens = own(&visit, &desk).await?;
    let token = tokens
        .iter()
        .find(|token| token.digest == digest)
        .ok_or(Trouble::NotFound)?;
    let step = visit.step(&desk);
    desk.apply(api_tokens::revoke(token, step)?).await?;
    Ok(Redirect::to("/account/tokens"))
}

async fn own(visit: &Visit, desk: &Desk) -> Result<Vec<ApiToken>, Trouble> {
    let (scope, owner) = (visit.scope.clone(), visit.user.id.to_string());
    desk.read(move |ledger| ledger.all_kept::<ApiToken>(&scope, &NounFilter::of_owner(&owner)))
        .await
}

async fn answer(visit: &Visit, desk: &Desk, headers: &HeaderMap, news: &News) -> Result<Markup, Trouble> {
    let mut tokens = own(visit, desk).await?;
    let now = desk.now();
    tokens.sort_by_key(|token| (!token.is_valid(now), std::cmp::Reverse(token.created_at)));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let scheme = addresses::scheme(desk.state.tls);
    let base = format!("{scheme}://{}", host.unwrap_or("127.0.0.1:8650"));
    Ok(render(&visit.view, (&visit.user, &tokens), news, &base))
}

fn render(view: &View, (user, tokens): (&User, &[ApiToken]), news: &News, base: &str) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.api_tokens_title()) } p.lead { (words.api_tokens_lead()) } }
        @match news {
            News::Nothing => {}
            News::Made(name, text) => (shown_once(words, name, text)),
            News::Refused(problem) => p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } },
        }
        div.columns {
            div.stack {
                (table(view, tokens))
                (example(words, news, base))
            }
            section.card { header { h2 { (words.token_make()) } } div.body { (form(words, user)) } }
        }
    };
    frame::page(view, Place::Account, words.api_tokens_title(), &content)
}

fn shown_once(words: Words, name: &str, text: &str) -> Markup {
    html! {
        section.card role="status" { header { h2 { (words.token_made()) ": " (visible(name)) } } div.body {
            p { (words.token_once()) }
            div.snippet { p.secret #fresh-token { (text) }
                button.button.small.copy type="button" data-copy="fresh-token" { (words.copy()) } }
        } }
    }
}

fn form(words: Words, user: &User) -> Markup {
    html! {
        form.form method="post" action="/account/tokens" {
            div.field {
                label for="name" { (words.api_token_name()) }
                input #name name="name" required maxlength="100" autocomplete="off" aria-describedby="name-hint";
                p.hint #name-hint { (words.api_token_name_hint()) }
            }
            div.field {
                label for="role" { (words.api_token_role()) }
                select #role name="role" aria-describedby="role-hint" {
                    @for role in Role::ALL.into_iter().filter(|role| role.is_within(user.role)) {
                        option value=(role_name(role)) selected[role == Role::Viewer] { (words.role_word(role)) }
                    }
                }
                p.hint #role-hint { (words.api_token_role_hint()) }
            }
            fieldset {
                legend { (words.silence_duration()) }
                div.choices { @for days in DAYS {
                    label { input type="radio" name="days" value=(days) required checked[days == DAYS[1]]; (words.days(u64::from(days))) }
                } }
            }
            button.button.primary type="submit" { (words.token_make()) }
        }
    }
}

fn table(view: &View, tokens: &[ApiToken]) -> Markup {
    let words = view.words;
    html! {
        section.card {
            @if tokens.is_empty() { div.body { p.muted { (words.api_tokens_empty()) } } }
            @else { div.scroll { table.stacked {
                thead { tr {
                    th scope="col" { (words.api_token_name()) } th scope="col" { (words.api_token_role()) } th scope="col" { (words.api_token_last_use()) }
                    th scope="col" { (words.session_until()) } th scope="col" { span.visually-hidden { (words.actions()) } }
                } }
                tbody { @for token in tokens { (row(view, token)) } }
            } } }
        }
    }
}

fn row(view: &View, token: &ApiToken) -> Markup {
    let words = view.words;
    let now = view.moments.now;
    html! {
        tr {
            td.break data-label=(words.api_token_name()) { strong { (visible(&token.name)) } br; small { (words.token_digest()) " " span.hash { (token.digest.chars().take(12).collect::<String>()) "…" } } }
            td data-label=(words.api_token_role()) { (words.role_word(token.role)) }
            td data-label=(words.api_token_last_use()) {
                @match &token.last_use {
                    Some(last) => { (view.moments.both(last.at)) br; small { (visible(&last.address)) } }
                    None => span.muted { (words.api_token_never_used()) },
                }
            }
            td data-label=(words.session_until()) {
                @if let Some(at) = token.revoked_at { span.badge { (words.token_revoked()) } " " small { (view.moments.relative(at)) } }
                @else if token.expires_at <= now { span.badge { (words.token_over()) } " " small { (view.moments.relative(token.expires_at)) } }
                @else { (view.moments.both(token.expires_at)) }
            }
            td.num { @if token.is_valid(now) {
                form method="post" action="/account/tokens/revoke" {
                    input type="hidden" name="digest" value=(token.digest);
                    button.button.small.danger type="submit" aria-label={ (words.token_revoke()) " " (visible(&token.name)) } { (words.token_revoke()) }
                }
            } }
        }
    }
}

/// How a token is used, ready to paste.
fn example(words: Words, news: &News, base: &str) -> Markup {
    let token = match news {
        News::Made(_, text) => text.as_str(),
        News::Nothing | News::Refused(_) => "TOKEN",
    };
    let call = format!("curl -H \"Authorization: Bearer {token}\" \"{base}/api/v1/alerts?level=high\"");
    html! {
        section.card { header { h2 { (words.api_tokens_example()) } a.end href="/api/v1/openapi.json" { (words.api_description()) } } div.body {
            p.muted { (words.api_tokens_rate()) }
            div.snippet {
                pre #snippet-curl tabindex="0" role="region" aria-label=(words.api_tokens_example()) { (call) }
                button.button.small.copy type="button" data-copy="snippet-curl" { (words.copy()) }
            }
        } }
    }
}
