//! The world of the story: a post with its real ledger and content, its people, and a clock that only the story moves.

use console::{Rosters, Staffing};
use jiff::{SignedDuration, tz::TimeZone};
use ledger::{Claimed, Ledger, NounFilter, Options, Outcome};
use model::{
    About, AddressState, Alert, AlertKey, AlertOrigin, AlertState, Change, ContactAddress, ContactCard, Deadline,
    Decision, Directive, Effect, Entity, EntityKind, Entropy, Id, Kept, Language, LossAccount, Notification, Question,
    Rejected, Report, Role, RuleIdentity, RuleLevel, Scope, SourceId, Timestamp, Urgency, User, Waiver, Watch,
};
use operations::{
    Catalogue, Step,
    deadlines::{self, Reckoning, Start},
    duty,
    notifications::{AnswerKey, Answerable},
    reports::Manner,
    watches::{self, Check, Ground, Seen, Standing, Verification},
};

use crate::{
    letter_folder::LetterFolder,
    look::{self, Beside, Verifications},
    papers::{self, Format, Forms},
    serve::paging,
};

/// A post, its people and its clock, which only the story moves.
pub(super) struct World {
    pub(super) ledger: Ledger,
    pub(super) forms: Forms,
    pub(super) letters: LetterFolder,
    pub(super) now: Timestamp,
    drawn: u8,
    pub(super) lead: User,
    pub(super) officer: User,
    pub(super) next_officer: User,
    pub(super) head: User,
    /// What arrived on telephones: whose, and the words.
    pub(super) telephones: Vec<(String, String)>,
    key: AnswerKey,
    _data: tempfile::TempDir,
}

pub(super) fn hanoi() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(7))
}

/// A moment in Hà Nội.
pub(super) fn at(text: &str) -> Timestamp {
    format!("{text}+07:00").parse().unwrap()
}

fn person(number: u128, name: &str, role: Role) -> User {
    User {
        id: Id::from_bits(number),
        login: format!("nguoi{number}"),
        display_name: name.to_owned(),
        role,
        password_hash: String::new(),
        language: "vi".to_owned(),
        created_at: at("2024-01-01T00:00:00"),
        enabled: true,
        revision: 1,
    }
}

impl World {
    pub(super) fn new(start: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let world = Self {
            ledger: Ledger::open(Options::in_folder(data.path()), at(start)).unwrap(),
            forms: Forms::read(data.path()).unwrap(),
            letters: LetterFolder::new(data.path()),
            now: at(start),
            drawn: 0,
            lead: person(1, "Trần Quang Minh", Role::ShiftLead),
            officer: person(2, "Lê Ngọc Lan", Role::DutyOfficer),
            next_officer: person(4, "Phạm Anh Đức", Role::DutyOfficer),
            head: person(3, "Nguyễn Thu Hà", Role::Administrator),
            telephones: Vec::new(),
            key: AnswerKey::new([7; 32]),
            _data: data,
        };
        let users = [&world.lead, &world.officer, &world.next_officer, &world.head];
        let changes = users.map(|user| Change::PutUser {
            user: Box::new(user.clone()),
        });
        world.post_decides("user.create", changes.into());
        world.hears("web-01/nginx");
        world
    }

    /// An alert opens in the decision that also begins what it pages.
    pub(super) fn opens(&mut self, alert: &Alert) {
        let mut decision = Decision {
            at: self.now,
            actor: Scope::of_post("story").actor().clone(),
            action: "triage.batch".to_owned(),
            reason: None,
            changes: vec![Change::PutAlert {
                alert: Box::new(alert.clone()),
            }],
            effects: vec![Effect::AnnounceAlert { alert: alert.id }],
        };
        let entropy = self.entropy();
        paging::add_notifications(&self.ledger, &mut decision, Language::Vi, entropy).unwrap();
        self.ledger.apply(&decision).unwrap();
    }

    /// Minutes pass, and in each the post pages whom it has to, and its channels carry it.
    pub(super) fn minutes(&mut self, count: usize) {
        for _ in 0..count {
            self.now += SignedDuration::from_mins(1);
            self.pages();
        }
    }

    /// The post looks at what is due, and everything that waits leaves and arrives.
    pub(super) fn pages(&mut self) {
        paging::look(&self.ledger, self.now).unwrap();
        for lane in ["sms", "mail"] {
            let claimed = self.ledger.claim(lane, self.now, 60, 100).unwrap();
            let arrived = |claim: Claimed| (claim, Outcome::Delivered("ok".to_owned()));
            let outcomes: Vec<_> = claimed.into_iter().map(arrived).collect();
            paging::note_outcomes(&self.ledger, &outcomes, self.now).unwrap();
            self.ledger
                .settle(&outcomes, self.now, |given_up| {
                    assert!(given_up.is_empty());
                    None
                })
                .unwrap();
            for (claim, _) in outcomes {
                if let Effect::Deliver { delivery } = claim.effect {
                    self.telephones.push((delivery.to, delivery.subject));
                }
            }
        }
    }

    /// Somebody writes back the code that came with the last page to them.
    pub(super) fn replies(&mut self, who: &User) {
        let notification = self.kept::<Notification>().pop().unwrap();
        let to_them = |page: &&model::PageSent| page.person == who.id;
        let page = notification.pages.iter().rev().find(to_them).unwrap();
        let code = self.key.code(Answerable::Page {
            notification: notification.id,
            page: page.number,
        });
        let from = telephone(who);
        let words = format!("NHAN {code}");
        let taken = paging::take_reply(&self.ledger, &self.key, ("sms", &from, &words), self.now).unwrap();
        assert_eq!(taken, Some(notification.id));
    }

    /// Whom the page of duty names for a position now, and whom paging would call: one answer.
    pub(super) fn on_duty(&self, position: &str) -> Vec<Id<User>> {
        let rosters = Rosters::read(&self.ledger, &Scope::of_post("story"), self.now).unwrap();
        let named = rosters
            .all()
            .flat_map(|roster| duty::on_duty(roster, position, self.now));
        named.collect()
    }

    fn entropy(&mut self) -> Entropy {
        self.drawn += 1;
        Entropy([self.drawn; 16])
    }

    pub(super) fn post_decides(&self, action: &str, changes: Vec<Change>) {
        let decision = Decision {
            at: self.now,
            actor: Scope::of_post("story").actor().clone(),
            action: action.to_owned(),
            reason: None,
            changes,
            effects: Vec::new(),
        };
        self.ledger.apply(&decision).unwrap();
    }

    /// A source sends something.
    fn hears(&self, source: &str) {
        let account = LossAccount {
            received: 10,
            stored: 10,
            ..LossAccount::default()
        };
        let counted = Change::CountSource {
            source: SourceId::new(source),
            heard_at: self.now,
            account,
            problems: Vec::new(),
        };
        self.post_decides("sources.count", vec![counted]);
    }

    /// Somebody decides something.
    pub(super) fn does(
        &mut self,
        who: &User,
        decide: impl FnOnce(Step<'_>, Entropy) -> Result<Decision, Rejected>,
    ) -> Entropy {
        let entropy = self.entropy();
        let scope = Scope::of_session(who);
        let step = Step {
            scope: &scope,
            at: self.now,
        };
        self.ledger.apply(&decide(step, entropy).unwrap()).unwrap();
        entropy
    }

    /// Somebody tries something and is told why not.
    pub(super) fn is_refused(
        &mut self,
        who: &User,
        decide: impl FnOnce(Step<'_>, Entropy) -> Result<Decision, Rejected>,
    ) {
        let entropy = self.entropy();
        let scope = Scope::of_session(who);
        let step = Step {
            scope: &scope,
            at: self.now,
        };
        decide(step, entropy).unwrap_err();
    }

    /// Time passes until a moment; the post looks at itself four times a day, and every five minutes in the last two hours.
    pub(super) fn until(&mut self, moment: &str) {
        let catalogue = self.forms.catalogue.clone();
        let sound = |at, population| {
            Some(Verification {
                at,
                population,
                broken: Vec::new(),
            })
        };
        while self.now < at(moment) {
            let left = at(moment).duration_since(self.now);
            let fine = SignedDuration::from_hours(2);
            let step = if left > fine {
                (left - fine).min(SignedDuration::from_hours(6))
            } else {
                SignedDuration::from_mins(5).min(left)
            };
            self.now += step;
            let entropy = self.entropy_of_post();
            look::keep_deadlines(&self.ledger, self.now, Language::Vi, entropy).unwrap();
            let verifications = Verifications {
                ledger: sound(self.now, 100),
                lake: sound(self.now, 7),
            };
            let beside = Beside {
                rules: 128,
                refused: &[],
                catalogue: &catalogue,
                verifications: &verifications,
                plans: &[],
            };
            look::measure(&self.ledger, beside, self.now).unwrap();
        }
    }

    fn entropy_of_post(&self) -> Entropy {
        Entropy(
            u128::from(self.now.as_second().unsigned_abs())
                .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
                .to_be_bytes(),
        )
    }

    pub(super) fn kept<T: Kept>(&self) -> Vec<T> {
        let scope = Scope::of_post("story");
        self.ledger.all_kept(&scope, &NounFilter::default()).unwrap()
    }

    pub(super) fn watch(&self) -> Watch {
        self.kept::<Watch>().pop().unwrap()
    }

    /// How the requirement with a key of the letter stands now.
    pub(super) fn stands(&self, letter_key: &str) -> Standing {
        let watch = self.watch();
        let controls = watches::controls_of(&watch);
        let scope = Scope::of_post("story");
        let measurements = self
            .ledger
            .measurements_standing(&scope, &controls, self.now, 0)
            .unwrap()
            .into_iter()
            .map(|(last, trend)| (last.control.clone(), (last, trend)))
            .collect();
        let (waivers, questions) = (self.kept::<Waiver>(), self.kept::<Question>());
        let seen = Seen {
            measurements: &measurements,
            waivers: &waivers,
            questions: &questions,
        };
        watches::standing(&watch, seen, self.now)
            .iter()
            .find(|one| one.requirement.requirement.key == letter_key)
            .unwrap()
            .standing
    }

    pub(super) fn question(&self, letter_key: &str) -> Question {
        let watch = self.watch();
        let key = watch
            .requirements
            .iter()
            .find(|one| one.requirement.key == letter_key)
            .unwrap()
            .key;
        self.kept::<Question>()
            .into_iter()
            .find(|question| question.requirement == key)
            .unwrap()
    }

    pub(super) fn answers(&mut self, letter_key: &str, holds: bool, words: &str) {
        let question = self.question(letter_key);
        let lead = self.lead.clone();
        self.does(&lead, |step, _| watches::answer(&question, holds, words, step));
    }

    /// What the preflight says today.
    pub(super) fn preflight(&self) -> Vec<Check> {
        let scope = Scope::of_post("story");
        let controls = &self.forms.catalogue.controls;
        let names: Vec<&str> = controls.iter().map(|control| control.id.as_str()).collect();
        let measured = self.ledger.measurements_standing(&scope, &names, self.now, 0).unwrap();
        let measurements = measured
            .into_iter()
            .map(|(last, trend)| (last.control.clone(), (last, trend)))
            .collect();
        let rosters = Rosters::read(&self.ledger, &scope, self.now).unwrap();
        let staffing = Staffing::of(&self.watch(), &rosters, &self.kept::<ContactCard>(), self.now);
        let (enough, reached) = (staffing.enough(&self.watch(), &hanoi()), staffing.reached(&rosters));
        let ground = Ground {
            staffing: enough.as_ref(),
            reached: reached.as_ref(),
            directives: &self.kept::<Directive>(),
            measurements: &measurements,
            controls,
            today: self.now.to_zoned_datetime(hanoi()).date(),
            now: self.now,
        };
        watches::preflight(&self.watch(), ground)
    }

    /// The lead starts clocks.
    pub(super) fn starts_clocks(&mut self, rules: &[&str], matter: &str, from: Timestamp) {
        let catalogue = self.catalogue();
        let chosen: Vec<_> = catalogue
            .deadlines
            .iter()
            .filter(|rule| rules.contains(&rule.id.as_str()))
            .collect();
        let (zone, working) = (hanoi(), |day| catalogue.calendar.is_working(day));
        let reckoning = Reckoning {
            zone: &zone,
            working: &working,
        };
        let start = Start {
            rules: &chosen,
            matter,
            at: from,
            owner: None,
        };
        let lead = self.lead.clone();
        self.does(&lead, |step, entropy| deadlines::start(start, reckoning, step, entropy));
    }

    pub(super) fn clock(&self, rule: &str) -> Deadline {
        let mut all = self.kept::<Deadline>().into_iter();
        all.find(|deadline| deadline.rule == rule).unwrap()
    }

    pub(super) fn catalogue(&self) -> Catalogue {
        self.forms.catalogue.clone()
    }

    /// Makes a report, as `watchpost report make` does.
    pub(super) fn report(&self, form: &str, about: About, format: Format) -> papers::Made {
        let scope = Scope::of_post("report");
        let report = Report {
            id: Id::from_bits(77),
            form: form.to_owned(),
            about,
            number: Some("12/BC-TTGS".to_owned()),
            answers: std::collections::BTreeMap::new(),
            created_at: self.now,
            created_by: scope.actor().clone(),
            sent: Vec::new(),
            revision: 1,
        };
        let manner = Manner {
            language: Language::Vi,
            zone: hanoi(),
        };
        papers::write(
            (&self.ledger, &scope),
            &self.forms,
            &report,
            (format, &manner),
            self.now,
        )
        .unwrap()
    }
}

/// Somebody's number.
pub(super) fn telephone(who: &User) -> String {
    format!("09123456{:02}", who.id.bits())
}

/// A card with two channels that were proven in March.
pub(super) fn card(who: &User) -> ContactCard {
    let address = |channel: &str, to: String| ContactAddress {
        channel: channel.to_owned(),
        to,
        state: AddressState::Proven {
            at: at("2024-03-01T08:00:00"),
            reached_at: at("2024-03-01T08:00:00"),
            tested_at: at("2024-03-01T08:00:00"),
        },
    };
    ContactCard {
        addresses: vec![
            address("sms", telephone(who)),
            address("mail", format!("{}@example.vn", who.login)),
        ],
        revision: 1,
        ..ContactCard::empty(who.id)
    }
}

pub(super) fn web_shell(opened: Timestamp) -> Alert {
    Alert {
        id: Id::from_bits(0xa1),
        key: AlertKey {
            rule: "web.shell".into(),
            entity: Entity {
                kind: EntityKind::Host,
                name: "web-01".into(),
            },
            exercise: false,
        },
        origin: AlertOrigin::Rule,
        rule: RuleIdentity {
            id: "web.shell".into(),
            title: "Web shell in an upload folder".to_owned(),
            title_vi: String::new(),
            level: RuleLevel::Critical,
            tags: Vec::new(),
        },
        state: AlertState::New,
        assignee: None,
        detections: 1,
        hidden: 0,
        detail_cut: 0,
        urgency: Urgency::default(),
        first_seen: opened,
        last_seen: opened,
        opened_at: opened,
        last_event: 42,
        source: SourceId::new("web-01/nginx"),
        host: Some("web-01".into()),
        summary: "POST /uploads/a.php 200".to_owned(),
        previous: None,
        revision: 1,
    }
}
