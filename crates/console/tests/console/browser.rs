//! The console in a real Chromium, driven from outside: keyboard, undo, live update, preview, phone, accessibility.

mod driver;

use std::net::SocketAddr;

use driver::Driver;
use model::{Alert, AlertKey, Change, Id};

use crate::{
    client::post,
    post::{PASSWORD, Post},
};

/// Says what every reader needs and gets no colour for: labels, names, contrast (WCAG 2.2, 1.4.3, 2.5.3, 4.1.2).
const ACCESSIBILITY: &str = include_str!("browser/accessibility.js");

/// What axe-core finds on the page, as one line for each rule that is broken and where.
const AXE: &str = "return axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
  .then(found => found.violations.map(broken => broken.id + ': ' + broken.nodes.map(node => node.target.join(' ')).join(', ')))";

/// axe-core, by Deque Systems; nothing where the suite was told to do without.
fn axe() -> Option<String> {
    let script = std::fs::read_to_string(testkit::real_folder().join("node/node_modules/axe-core/axe.min.js"));
    script.map_err(|_| testkit::absent("axe-core (npm)")).ok()
}

struct Trial {
    driver: Driver,
    post: Post,
    at: SocketAddr,
}

/// A served post and a browser; nothing where the suite was told to do without real components.
async fn trial() -> Option<Trial> {
    let driver = Driver::start()?;
    let post = post();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let router = console::router(post.state.clone());
    tokio::spawn(
        async move { axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await },
    );
    Some(Trial { driver, post, at })
}

impl Trial {
    fn go(&self, path: &str) {
        self.driver.go(&format!("http://{}{path}", self.at));
    }

    fn signs_in(&self, login: &str) {
        self.go("/sign-in");
        self.driver.run(&format!(
            "document.querySelector('#login').value = '{login}'; document.querySelector('#password').value = '{PASSWORD}'; document.querySelector('form').requestSubmit()"
        ));
        self.driver
            .waits_for("location.pathname === '/queue' && document.querySelectorAll('.alert').length > 0");
    }

    /// A new alert, as the pump would open it.
    fn something_happens(&self, title: &str) {
        let known = &self.post.alerts[0];
        let alert = Alert {
            id: Id::from_bits(0xabc),
            key: AlertKey {
                rule: "new".into(),
                ..known.key.clone()
            },
            rule: model::RuleIdentity {
                id: "new".into(),
                title: title.to_owned(),
                title_vi: String::new(),
                ..known.rule.clone()
            },
            ..known.clone()
        };
        self.post.decide(
            "triage.batch",
            self.post.state.clock.now(),
            vec![Change::PutAlert { alert: Box::new(alert) }],
        );
    }

    fn is_accessible(&self, path: &str, axe: Option<&String>) {
        self.go(path);
        if let Some(axe) = axe {
            self.driver.run(axe);
        }
        for theme in ["light", "dark"] {
            self.driver.prefers(theme);
            let complaints = self.driver.run(ACCESSIBILITY);
            assert_eq!(complaints, serde_json::json!([]), "{path}, {theme}");
            if axe.is_some() {
                let complaints = self.driver.run(AXE);
                assert_eq!(complaints, serde_json::json!([]), "{path}, {theme}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_browser_works_a_night_by_keyboard() {
    let Some(trial) = trial().await else { return };
    let driver = &trial.driver;
    trial.signs_in("lan");
    driver.press("j");
    let first =
        driver.run("return document.activeElement.closest('.alert') === document.querySelectorAll('.alert')[0]");
    assert_eq!(first, true);
    driver.press("j");
    driver.press("k");
    driver.press("x");
    assert_eq!(driver.run("return document.querySelector('.bulk').dataset.count"), "1");
    let taken = driver.run("return document.querySelector('.alert .title').textContent");
    driver.press("a");
    driver.waits_for(
        "document.querySelector('.toast') !== null && document.querySelector('.state-acknowledged') !== null",
    );
    let holds = format!(
        "[...document.querySelectorAll('.alert')].some(row => row.querySelector('.title').textContent === {taken} && row.querySelector('.state-acknowledged'))"
    );
    driver.waits_for(&holds);
    driver.press("u");
    driver.waits_for(&format!("!({holds})"));

    driver.run("document.querySelectorAll('.alert')[1].querySelector('input').click(); scrollTo(0, 120)");
    let chosen = driver.run("return document.querySelector('.alert input:checked').value");
    trial.something_happens("Vừa xảy ra");
    driver
        .waits_for("[...document.querySelectorAll('.alert .title')].some(title => title.textContent === 'Vừa xảy ra')");
    assert_eq!(
        driver.run("return document.querySelector('.alert input:checked').value"),
        chosen,
        "the selection stays"
    );

    driver.press("c");
    driver.waits_for("document.querySelector('#close-dialog').open");
    driver.run("const form = document.querySelector('#close-dialog form'); form.querySelector('[value=benign]').click(); form.reason.value = 'thử'; form.requestSubmit()");
    driver.waits_for("!document.querySelector('#close-dialog').open && document.querySelector('.toast')?.textContent.includes('Đã kết thúc')");
    driver.press("/");
    assert_eq!(
        driver.run("return document.activeElement.matches('[data-search]')"),
        true
    );
    driver.types("lua dao\n");
    driver.waits_for("location.search.includes('lua') && document.querySelectorAll('.alert').length === 1");
    driver.press("?");
    driver.waits_for("document.querySelector('#keys-dialog').open");
    assert_eq!(driver.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_browser_previews_a_silence_as_it_is_typed() {
    let Some(trial) = trial().await else { return };
    trial.signs_in("minh");
    trial.go("/silences/new");
    trial.driver.run("const name = document.querySelector('[name=entity_name]'); name.value = 'ketoan-pc07'; name.dispatchEvent(new Event('input', { bubbles: true }))");
    trial
        .driver
        .waits_for("document.querySelector('.preview .figure')?.textContent.includes('đã ẩn 2 trên')");
    assert_eq!(trial.driver.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_browser_hunts_from_a_typing_error_to_the_whole_record() {
    let Some(trial) = trial().await else { return };
    let driver = &trial.driver;
    trial.signs_in("lan");
    trial.go("/hunt?range=all&q=host.nmae:*");
    driver.waits_for("document.querySelector('#hunt-wrong mark')?.textContent === 'host.nmae'");
    driver.run("document.querySelector('#hunt-wrong button').click()");
    driver.waits_for(
        "document.querySelectorAll('#hunt-rows tbody tr').length > 1 && document.querySelector('#hunt-facets button')",
    );
    assert_eq!(
        driver.run("return new URLSearchParams(location.search).get('q')"),
        "host.name:*"
    );
    let rows = driver.run("return document.querySelectorAll('#hunt-rows tbody tr').length");
    driver.run("document.querySelector('#hunt-facets .hunt-only').click()");
    driver.waits_for(&format!(
        "document.querySelector('#hunt-q').value.includes('source:') && document.querySelectorAll('#hunt-rows tbody tr').length < {rows}"
    ));
    driver.run("document.querySelector('#hunt-rows tbody tr').click()");
    driver.waits_for("document.querySelector('#hunt-record').open && document.querySelector('#hunt-record-raw').textContent.length > 10");
    driver.run("document.querySelector('#hunt-record [data-dismiss]').click()");
    driver.waits_for("document.querySelector('#hunt-cancel').hidden && !document.querySelector('#hunt-when').hidden");
    driver.run("const svg = document.querySelector('#hunt-histogram'); const box = svg.getBoundingClientRect(); for (const [type, part] of [['pointerdown', .9], ['pointermove', .95], ['pointerup', .99]]) svg.dispatchEvent(new PointerEvent(type, { clientX: box.left + box.width * part, clientY: box.top + 5, pointerId: 1, bubbles: true }))");
    driver.waits_for("location.search.includes('from=') && document.querySelector('#hunt-range').value === ''");
    let mut complaints = driver.complaints();
    // The browser notes each answer that is no success, also that the line cannot be read.
    complaints.retain(|complaint| !(complaint.contains("/api/v1/hunts - ") && complaint.contains("status of 422")));
    assert_eq!(complaints, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_browser_fits_a_phone_and_reads_without_colour() {
    let Some(trial) = trial().await else { return };
    trial.signs_in("ha");
    let alert = format!("/alerts/{}", trial.post.alerts[0].id);
    let pages = [
        "/queue",
        &alert,
        "/hunt?range=all",
        "/silences",
        "/silences/new",
        "/silences/0000000000000000000000000000004d",
        "/sources",
        "/sources/winlogbeat%2Fketoan",
        "/tokens",
        "/rules",
        "/duty-book",
        "/users",
        "/account",
        "/account/tokens",
        "/channels",
        "/wall",
    ];
    let axe = axe();
    for path in pages {
        trial.is_accessible(path, axe.as_ref());
    }
    trial.driver.resize(390, 844);
    for path in pages {
        trial.go(path);
        // On a phone the window itself grows with what is too wide, so it is the screen that is compared with.
        let overflow = trial
            .driver
            .run("return document.documentElement.scrollWidth - screen.width");
        assert!(
            overflow.as_i64().unwrap() <= 0,
            "{path} is {overflow} pixels too wide for a phone"
        );
    }
    assert_eq!(trial.driver.complaints(), Vec::<String>::new());
}
